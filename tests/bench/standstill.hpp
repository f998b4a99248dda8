// How long the threads of a process stand still while something is done to it, seen from outside.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace unwedge::bench {

struct standstill {
  std::chrono::nanoseconds sum{0};      ///< over all threads
  std::chrono::nanoseconds longest{0};  ///< of one thread at a stretch
  std::chrono::nanoseconds span{0};     ///< from the first stop of any thread to the end of the last
};

/// Runs a command (found in PATH, its output to nowhere) and watches `of` until it ends. Method: the state of
/// every thread (/proc/PID/task/*/stat) is read in turn, without a pause; a thread that is seen in t or T
/// counts for the time since it was last looked at. A sweep over 64 threads takes about 0.2 ms: shorter stops
/// are seen or not by chance, so that of many runs the mean is right and a single one is not. Throws
/// std::runtime_error if the command fails.
standstill watch_while(pid_t of, const std::vector<std::string>& command);

}  // namespace unwedge::bench
