// unwedge-rescue's command line as plain values.
#pragma once

#include "daemon/rescue/sever.hpp"
#include "daemon/rescue/survey.hpp"

#include <sys/types.h>

#include <cstdint>
#include <variant>

namespace unwedge::rescue {

enum class order { lease, sever };

struct options {
  order what = order::lease;
  pid_t pid = 0;
  std::uint64_t start_time = 0;  ///< clock ticks since boot, field 22 of proc_pid_stat(5)
  bool plan = false;             ///< says what would be done; touches nothing
  bool any_process = false;      ///< also a process that is no QEMU; for tests
  lease_request lease;
  sever_request sever;
};

/// The options, or the status to exit with: help or an error was printed.
std::variant<options, int> parse_command_line(int argc, const char* const* argv);

}  // namespace unwedge::rescue
