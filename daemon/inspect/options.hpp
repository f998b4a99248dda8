// unwedge-inspect's command line as plain values.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

namespace unwedge::inspect {

/// Exit statuses are contracts: done, also partly (the document's problems say what is missing); failed;
/// usage.
enum exit_status : int { exit_done = 0, exit_failed = 1, exit_usage = 2 };

struct options {
  pid_t pid = 0;
  std::uint64_t start_time = 0;               ///< clock ticks since boot, field 22 of proc_pid_stat(5)
  std::chrono::milliseconds deadline{5'000};  ///< for everything, from the start of the program
  bool any_process = false;                   ///< also a process that is no QEMU; for tests
};

/// The options, or the status to exit with: help or an error was printed.
std::variant<options, exit_status> parse_command_line(int argc, const char* const* argv);

/// "5s", "250ms": a whole number, from 1 ms to 5 min. nullopt: anything else.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

}  // namespace unwedge::inspect
