// The command line of a process, for the record of an incident. Hostile like all that a process says of
// itself: it can rewrite it (prctl(2), PR_SET_MM_ARG_START).
#pragma once

#include "daemon/evidence/process.hpp"

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace unwedge::evidence {

struct command_line {
  std::vector<std::string> arguments;  ///< each at most 4 KiB
  bool cut = false;                    ///< there was more: 64 KiB and 1,024 arguments are read
};

/// Blocks while the process's memory lock is held: for a worker thread only. Error, a sentence: it has ended,
/// or we may not read it.
std::expected<command_line, std::string> read_command_line(const process&);

/// The bytes of /proc/PID/cmdline, arguments that end in NUL each. Pure.
command_line parse_command_line(std::string_view bytes);

}  // namespace unwedge::evidence
