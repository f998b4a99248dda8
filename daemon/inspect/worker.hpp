// The order of one inspection: hold the target, capture, open, shut the sandbox, unwind. Runs in a process of
// its own.
#pragma once

#include "daemon/inspect/options.hpp"

#include <chrono>

namespace unwedge::inspect {

/// Does it and writes messages (messages.hpp) to `out`, then ends the process by _exit(2). `until`: when the
/// supervisor will kill it.
[[noreturn]] void run_worker(const options& chosen, int out, std::chrono::steady_clock::time_point until);

}  // namespace unwedge::inspect
