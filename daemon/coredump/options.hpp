// unwedge-core's command line as plain values.
#pragma once

#include "daemon/coredump/live_core.hpp"

#include <sys/types.h>

#include <cstdint>
#include <variant>

namespace unwedge::coredump {

enum class order { plan, flag, core, abort };

struct options {
  order what = order::plan;
  pid_t pid = 0;
  std::uint64_t start_time = 0;  ///< clock ticks since boot, field 22 of proc_pid_stat(5)
  bool with_ram = false;         ///< flag, abort: guest memory may be in the kernel's core
  bool any_process = false;      ///< also a process that is no QEMU; for tests
  core_request core;
};

/// The options, or the status to exit with: help or an error was printed.
std::variant<options, int> parse_command_line(int argc, const char* const* argv);

}  // namespace unwedge::coredump
