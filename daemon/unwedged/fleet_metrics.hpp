// What the metrics know of the VMs: counters as it happens, the rest read from memory at a scrape. Asks no
// QEMU.
#pragma once

#include "daemon/surface/daemon_metrics.hpp"
#include "daemon/surface/vm_metrics.hpp"
#include "daemon/watch/fleet.hpp"

#include <vector>

namespace unwedge {

/// Counts into `metrics`, which must outlive them.
watch::meters meters_into(surface::daemon_metrics& metrics);

/// As of now, by name.
std::vector<surface::vm_metrics_row> metrics_rows(const watch::fleet&);

}  // namespace unwedge
