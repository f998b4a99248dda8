// Starts a program that inherits nothing of ours. For running.cpp only.
#pragma once

#include "daemon/child/command.hpp"

#include <sys/types.h>

#include <expected>

namespace unwedge::child {

/// A child: not reaped, so its pid is its own until it is.
struct spawned {
  pid_t pid = -1;
  evidence::file_descriptor pidfd;
  evidence::file_descriptor input;         ///< the far end of its stdin, if the command has a grace
  evidence::file_descriptor output;        ///< non-blocking; none if the command has an output of its own
  evidence::file_descriptor error_output;  ///< non-blocking
  evidence::file_descriptor failure;       ///< non-blocking; holds an errno if it could not be executed
};

/// Takes about a millisecond. The child has an environment of PATH and LC_ALL alone, default signals, no
/// descriptor but its three, and ends with the thread that called this, unless the command has a grace.
std::expected<spawned, std::string> spawn(const command& c);

/// To the child itself, whoever has its number by now.
void kill(const spawned&);

}  // namespace unwedge::child
