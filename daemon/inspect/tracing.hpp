// ptrace(2) of one thread, step by step. For capture only.
#pragma once

#include <sys/types.h>
#include <sys/user.h>

#include <chrono>
#include <expected>
#include <optional>

namespace unwedge::inspect {

/// Where a thread is after it was interrupted.
struct stop {
  enum class outcome { stopped, ended, not_in_time };
  outcome what = outcome::not_in_time;
  int signal = 0;  ///< it stopped on the way to this signal, which must be given back to it; 0: none
};

/// The calling thread goes before ordinary ones (SCHED_FIFO, sched(7)), if we may: on a busy host it would
/// else be put aside while somebody stands still for it.
void go_first();

/// Attaches without stopping it (PTRACE_SEIZE, no options). Error: errno.
std::expected<void, int> seize(pid_t tid);

/// Asks it to stop (PTRACE_INTERRUPT) and waits for that. SIGCHLD must be blocked: its arrival ends the
/// waiting.
stop interrupt(pid_t tid, std::chrono::nanoseconds patience);

/// Whether it has stopped or ended by now. Waits for nothing.
stop look_for_stop(pid_t tid);

/// General registers of a stopped thread; nullopt: gone, or it is no 64-bit one.
std::optional<user_regs_struct> registers_of(pid_t tid);

/// Lets a stopped thread go on with the signal it stopped for (PTRACE_DETACH).
void let_go(pid_t tid, const stop& from);

}  // namespace unwedge::inspect
