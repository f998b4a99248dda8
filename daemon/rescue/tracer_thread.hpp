// A thread to trace from.
#pragma once

#include <functional>

namespace unwedge::rescue {

/// Runs `body` on a thread of its own and waits for it; throws what it throws. What it traces is let go of at
/// the latest when that thread ends (ptrace(2)), also a thread that did not come to its stop in time.
void on_tracer_thread(const std::function<void()>& body);

}  // namespace unwedge::rescue
