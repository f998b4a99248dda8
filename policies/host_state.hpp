// How the host itself is doing, as far as it bears on what lateness means: on a starved host every VM is
// late, and no conclusion may be drawn. Pure.
#pragma once

#include "policies/evidence.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace unwedge::policies {

struct host_facts {
  duration own_lateness{};  ///< the worst delay of our own timer in the last seconds
  std::size_t vms = 0;      ///< with a monitor that once answered
  std::size_t late = 0;     ///< of them, those that are late now without a verdict that says why
  /// Share of the last 10 s in which all tasks stood still for lack of it (/proc/pressure, full avg10,
  /// percent); nullopt: the kernel does not say.
  std::optional<double> memory_stall, io_stall;
};

/// Why nothing may be concluded from lateness now; empty: the host is well.
std::string host_starved(const host_facts&);

}  // namespace unwedge::policies
