#include "systemd/bus_vtable.hpp"

#include "systemd/bus_peer.hpp"

#include <cstring>

namespace unwedge::systemd {
namespace {

/// sd-bus asks for entries whose unused bytes are zero; initialising a union does not promise that.
sd_bus_vtable blank(std::uint8_t type, std::uint64_t flags) {
  sd_bus_vtable entry;
  std::memset(&entry, 0, sizeof(entry));
  entry.type = type;
  entry.flags = flags & 0xFF'FFFF'FFFF'FFFFu;
  return entry;
}

struct signature {
  const char* in;
  const char* out;
  const char* names;  ///< of the parameters, each with its NUL
};

sd_bus_vtable method(const char* name, signature types, sd_bus_message_handler_t handler) {
  auto entry =
      blank(_SD_BUS_VTABLE_METHOD, SD_BUS_VTABLE_UNPRIVILEGED);  // peers are checked when they connect
  entry.x.method.member = name;
  entry.x.method.signature = types.in;
  entry.x.method.result = types.out;
  entry.x.method.handler = handler;
  entry.x.method.names = types.names;
  return entry;
}

}  // namespace

bus_vtable::bus_vtable(const bus_methods& methods) {
  auto& start = entries.emplace_back(blank(_SD_BUS_VTABLE_START, 0));
  start.x.start.element_size = sizeof(sd_bus_vtable);
  start.x.start.features = _SD_BUS_VTABLE_PARAM_NAMES;
  start.x.start.vtable_format_reference = &sd_bus_object_vtable_format;
  entries.push_back(method("Subscribe", {"", "", ""}, &bus_peer::on_subscribe));
  for (auto const& [name, handler] : methods) {
    entries.push_back(method(name.c_str(), {"s", "s", "argument\0json\0"}, &bus_peer::on_call));
  }
  auto& signal = entries.emplace_back(blank(_SD_BUS_VTABLE_SIGNAL, 0));
  signal.x.signal.member = "Event";
  signal.x.signal.signature = "s";
  signal.x.signal.names = "json\0";
  entries.push_back(blank(_SD_BUS_VTABLE_END, 0));
}

}  // namespace unwedge::systemd
