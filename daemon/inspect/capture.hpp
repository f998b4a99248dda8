// Stops the threads of a process, one at a time and for microseconds, to copy registers and stack. The only
// room that stops anything.
#pragma once

#include "daemon/evidence/missing_list.hpp"
#include "daemon/evidence/process.hpp"
#include "daemon/inspect/memory_map.hpp"
#include "daemon/inspect/stacks.hpp"

#include <sys/user.h>

#include <functional>
#include <optional>
#include <vector>

namespace unwedge::inspect {

/// What a thread had when it stood still; it runs on since.
struct snapshot {
  user_regs_struct registers{};
  std::vector<std::byte> stack;  ///< from registers.rsp on
};

struct captured_thread {
  thread_stack facts;  ///< without frames; `unwind` says why not if there is no snapshot
  std::optional<snapshot> what;
};

struct capture {
  std::vector<captured_thread> threads;
  std::chrono::nanoseconds took{0};  ///< from the first stop to the end of the last
};

struct capture_limits {
  std::chrono::steady_clock::time_point until;  ///< threads not reached by then are noted as missing
  std::chrono::milliseconds longest_stop{200};  ///< after this the kernel kills us, see stop_limit
  std::chrono::milliseconds patience{100};      ///< for a thread to come to its stop
  std::chrono::milliseconds patience_uninterruptible{2};  ///< for one in state D
};

/// Captures up to most_threads threads of `of`, the main thread first, by ptrace(2): PTRACE_SEIZE, INTERRUPT,
/// GETREGSET, process_vm_readv, DETACH, each thread for itself, so none waits for another. Before the first
/// stop `seen` is called with every thread that there is: afterwards nothing but the stops is done until the
/// last. Left alone, and said so: threads that are stopped by a signal or traced already. No signal is lost:
/// one that arrives meanwhile is delivered on the way out, and if this process is killed at any instant the
/// kernel lets go of what it held and delivers it as well (hence no PTRACE_O_EXITKILL, and WNOWAIT). A system
/// call that was interrupted is restarted by the kernel, or returns EINTR where signal(7) says that stops do
/// that (epoll_wait, KVM_RUN), as with any debugger.
///
/// Runs on a thread of its own: when that has ended, nothing is traced any more, not even a thread that could
/// not be stopped in time. Needs SIGCHLD blocked and not ignored. What failed is noted in `missing`.
capture capture_threads(const evidence::process& of, const memory_map& map, const capture_limits& limits,
                        evidence::missing_list& missing,
                        const std::function<void(const thread_stack&)>& seen);

}  // namespace unwedge::inspect
