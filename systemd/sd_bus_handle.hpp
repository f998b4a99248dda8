// Owning handles for sd-bus's reference-counted objects. For the implementation files of this folder only:
// no other folder includes sd-bus.
#pragma once

#include <systemd/sd-bus.h>

#include <memory>

namespace unwedge::systemd {

struct bus_closer {
  /// Closes without flushing: a flush would block on a peer that does not read.
  void operator()(sd_bus* bus) const { sd_bus_close_unref(bus); }
};
struct message_unref {
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};

using bus_handle = std::unique_ptr<sd_bus, bus_closer>;
using message_handle = std::unique_ptr<sd_bus_message, message_unref>;

inline constexpr const char* object_path = "/org/unwedge/Daemon1";
inline constexpr const char* interface_name = "org.unwedge.Daemon1";
inline constexpr const char* error_failed = "org.unwedge.Error.Failed";

}  // namespace unwedge::systemd
