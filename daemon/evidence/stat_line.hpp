// The line of /proc/PID/stat (proc_pid_stat(5)), taken apart. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace unwedge::evidence {

struct stat_line {
  std::string comm;  ///< any bytes: a process names itself
  char state = '?';
  std::uint64_t cpu_ticks = 0;   ///< utime + stime, in clock ticks
  std::uint64_t start_time = 0;  ///< field 22, in clock ticks since boot
};

/// nullopt: not such a line. The name may itself contain ") R 1 (", so the fields count from the last ')'.
std::optional<stat_line> parse_stat(std::string_view line);

}  // namespace unwedge::evidence
