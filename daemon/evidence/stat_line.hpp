// The line of /proc/PID/stat (proc_pid_stat(5)), taken apart. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace unwedge::evidence {

struct stat_line {
  std::string comm;  ///< any bytes: a process names itself
  char state = '?';
  std::uint64_t cpu_ticks = 0;   ///< utime + stime, in clock ticks
  std::uint64_t start_time = 0;  ///< field 22, in clock ticks since boot
};

/// nullopt: not such a line. The name may itself contain ") R 1 (", so the fields count from the last ')'.
std::optional<stat_line> parse_stat(std::string_view line);

/// Where the program's own data begins and where its heap does (start_data, start_brk); its zeroed data lies
/// before the heap. nullopt: not such a line, or the kernel does not tell us (it then says 0).
std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_program_data(std::string_view line);

}  // namespace unwedge::evidence
