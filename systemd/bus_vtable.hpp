// The table of methods in the form sd-bus wants it (which also answers introspection). Private to the bus
// server.
#pragma once

#include "systemd/bus_server.hpp"

#include <systemd/sd-bus.h>

#include <vector>

namespace unwedge::systemd {

/// `entries` points into the names of `methods`: both live as long as any peer.
struct bus_vtable {
  explicit bus_vtable(const bus_methods& methods);
  std::vector<sd_bus_vtable> entries;
};

}  // namespace unwedge::systemd
