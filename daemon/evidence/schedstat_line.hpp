// The line of /proc/PID/task/TID/schedstat (Documentation/scheduler/sched-stats.rst), taken apart. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace unwedge::evidence {

struct schedstat_line {
  std::uint64_t on_cpu_ns = 0;
  std::uint64_t waited_ns = 0;  ///< could have run, and did not
  std::uint64_t runs = 0;       ///< how often it came to run: once for each time that it was switched away
};

/// nullopt: not such a line, or one of zeros: the kernel does not count.
std::optional<schedstat_line> parse_schedstat(std::string_view line);

}  // namespace unwedge::evidence
