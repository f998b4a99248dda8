#include "daemon/rescue/held_thread.hpp"

#include "daemon/evidence/proc_files.hpp"

#include <fmt/format.h>

#include <elf.h>
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>

namespace unwedge::rescue {

namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds longest_stop{200}, patience{100};

// PTRACE_INTERRUPT stops with PTRACE_EVENT_STOP and SIGTRAP; a group-stop, which SIGSTOP makes, with its own
// signal.
bool stopped_by_us(pid_t tid) {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(tid), &info, WSTOPPED | WNOHANG | WNOWAIT | __WALL) != 0)
    return false;
  return info.si_pid == tid && info.si_status == (PTRACE_EVENT_STOP << 8 | SIGTRAP);
}

}  // namespace

held_thread::held_thread(const evidence::process& of, pid_t tid) : of_(of), tid_(tid), limit_(longest_stop) {}

held_thread::~held_thread() {
  (void)let_go();
}

std::string held_thread::seize() {
  if (const auto got = inspect::seize(tid_); !got)
    return fmt::format("it cannot be traced: {}", evidence::error_text(got.error()));
  // Traced, it keeps its number even if it ends: now is the time to ask whose thread that is.
  if (::faccessat(of_.proc_dir(), fmt::format("task/{}", tid_).c_str(), F_OK, 0) != 0) return "it has ended";
  return "";
}

std::string held_thread::stop() {
  inspect::go_first();
  limit_.arm();
  began_ = steady_clock::now();
  at_ = inspect::interrupt(tid_, patience);
  stood_ = steady_clock::now();
  switch (at_->what) {
    case inspect::stop::outcome::ended:
      return "it has ended";
    case inspect::stop::outcome::not_in_time:
      return "it did not stop: it may be in an uninterruptible wait";
    case inspect::stop::outcome::stopped:
      break;
  }
  if (at_->signal != 0) return fmt::format("signal {} is on its way to it", at_->signal);
  if (!stopped_by_us(tid_)) return "somebody else stops it as well";
  return "";
}

stop_times held_thread::let_go() {
  stop_times made;
  if (at_ && at_->what == inspect::stop::outcome::not_in_time) at_ = inspect::look_for_stop(tid_);
  if (at_ && at_->what == inspect::stop::outcome::stopped) {
    inspect::let_go(tid_, *at_);
    const auto end = steady_clock::now();
    made = {.stopped = end - began_, .operated = end - stood_};
  }
  if (at_) limit_.disarm();
  at_.reset();
  return made;
}

std::optional<user_regs_struct> held_thread::registers() const {
  return inspect::registers_of(tid_);
}

bool held_thread::set_registers(const user_regs_struct& to) const {
  auto copy = to;
  const iovec from{&copy, sizeof copy};
  return ::ptrace(PTRACE_SETREGSET, tid_, NT_PRSTATUS, &from) == 0;
}

std::optional<std::uint64_t> held_thread::signal_mask() const {
  std::uint64_t mask = 0;
  if (::ptrace(PTRACE_GETSIGMASK, tid_, sizeof mask, &mask) != 0) return std::nullopt;
  return mask;
}

std::optional<std::size_t> held_thread::xstate(std::span<std::byte> into) const {
  iovec room{into.data(), into.size()};
  if (::ptrace(PTRACE_GETREGSET, tid_, NT_X86_XSTATE, &room) != 0) return std::nullopt;
  return room.iov_len;
}

}  // namespace unwedge::rescue
