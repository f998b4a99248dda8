// What is to be run, and what came of it. Plain values; used by all who run a program: the helper that takes
// stacks, the one that writes cores, compressors.
#pragma once

#include "daemon/evidence/file_descriptor.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace unwedge::child {

struct command {
  std::filesystem::path program;               ///< looked up nowhere
  std::vector<std::string> arguments;          ///< without the program's own name
  std::chrono::milliseconds deadline{10'000};  ///< then it is killed
  std::size_t most_output = 16u << 20;         ///< more on stdout: it is killed
  std::size_t most_error_output = 16u << 10;   ///< more on stderr is dropped
  evidence::file_descriptor input = {};        ///< its stdin; none: /dev/null
  evidence::file_descriptor output = {};       ///< its stdout; none: it is kept, see finished::output
  /// One that must not be cut short: its stdin is a socket of ours instead of `input`, and the end of that
  /// tells it to end, at the deadline, when nobody waits any more, and when we die. It is killed only so much
  /// later, and not at all by our death.
  std::optional<std::chrono::milliseconds> grace = {};
};

struct finished {
  std::string output;
  std::string error_output;
  int status = -1;        ///< of exit(3); -1: it was killed
  int signal = 0;         ///< that killed it; 0: it has exited
  bool too_late = false;  ///< we killed it, or told it to end: the deadline
  bool too_much = false;  ///< likewise: the output

  bool well() const { return status == 0 && !too_late && !too_much; }
};

/// "exited with status 3: no such process": with the last line of what it said on stderr, made printable.
std::string how_it_ended(const finished&);

}  // namespace unwedge::child
