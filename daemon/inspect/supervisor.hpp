// Keeps the deadline: runs the worker as a child, collects what it says, prints it whatever becomes of the
// worker.
#pragma once

#include "daemon/inspect/options.hpp"

namespace unwedge::inspect {

inline constexpr std::size_t most_result_bytes = 16 << 20;

/// Prints the document on stdout, at the deadline at the latest, with what is there by then. A worker that
/// hangs, also in the kernel, that crashes or is killed by its sandbox costs the rest of the stacks, never
/// the document. Throws std::system_error if no worker can be started.
exit_status inspect(const options& chosen);

}  // namespace unwedge::inspect
