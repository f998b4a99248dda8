#include "daemon/inspect/tracing.hpp"

#include <elf.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>

#ifndef __x86_64__
#error "registers and their DWARF numbers are those of x86-64"
#endif

namespace unwedge::inspect {

namespace {

using std::chrono::steady_clock;

timespec as_timespec(std::chrono::nanoseconds left) {
  return {.tv_sec = static_cast<time_t>(left.count() / 1'000'000'000),
          .tv_nsec = left.count() % 1'000'000'000};
}

}  // namespace

void go_first() {
  const sched_param lowest{.sched_priority = 1};
  ::sched_setscheduler(0, SCHED_FIFO, &lowest);
}

std::expected<void, int> seize(pid_t tid) {
  if (::ptrace(PTRACE_SEIZE, tid, nullptr, nullptr) != 0) return std::unexpected(errno);
  return {};
}

// WNOWAIT leaves the pending signal of a signal-delivery-stop with the thread: were we killed before we could
// give it back, a plain wait would have lost it.
stop look_for_stop(pid_t tid) {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(tid), &info, WSTOPPED | WEXITED | WNOHANG | WNOWAIT | __WALL) != 0)
    return {.what = stop::outcome::ended};
  if (info.si_pid == 0) return {.what = stop::outcome::not_in_time};
  if (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED) {
    ::waitid(P_PID, static_cast<id_t>(tid), &info,
             WEXITED | WNOHANG | __WALL);  // reaped, if it is ours to reap
    return {.what = stop::outcome::ended};
  }
  const bool event = info.si_status >> 8 != 0;  // PTRACE_EVENT_STOP: ours, or a group-stop
  return {.what = stop::outcome::stopped, .signal = event ? 0 : info.si_status};
}

stop interrupt(pid_t tid, std::chrono::nanoseconds patience) {
  if (::ptrace(PTRACE_INTERRUPT, tid, nullptr, nullptr) != 0) return {.what = stop::outcome::ended};
  sigset_t child;
  ::sigemptyset(&child);
  ::sigaddset(&child, SIGCHLD);
  const auto end = steady_clock::now() + patience;
  // Not by polling: where CPUs are scarce that takes the one away on which the thread is to come to its stop.
  for (;;) {
    const auto seen = look_for_stop(tid);
    if (seen.what != stop::outcome::not_in_time) return seen;
    const auto left = end - steady_clock::now();
    if (left <= left.zero()) return seen;
    const auto timeout = as_timespec(left);
    ::sigtimedwait(&child, nullptr, &timeout);
  }
}

std::optional<user_regs_struct> registers_of(pid_t tid) {
  user_regs_struct registers{};
  iovec into{&registers, sizeof registers};
  if (::ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &into) != 0 || into.iov_len != sizeof registers)
    return std::nullopt;
  return registers;
}

void let_go(pid_t tid, const stop& from) {
  ::ptrace(PTRACE_DETACH, tid, nullptr, static_cast<long>(from.signal));
}

}  // namespace unwedge::inspect
