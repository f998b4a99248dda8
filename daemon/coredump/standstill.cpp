#include "daemon/coredump/standstill.hpp"

#include "daemon/evidence/proc_files.hpp"
#include "daemon/evidence/stat_line.hpp"

#include <fmt/format.h>

#include <elf.h>
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <iomanip>
#include <span>
#include <sstream>
#include <tuple>

namespace unwedge::coredump {
namespace {

using inspect::stop;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int most_rounds = 20;  // of a process that starts threads faster than they are stopped
constexpr milliseconds before_asking_why{5};

std::vector<std::byte> register_set(pid_t tid, unsigned type, std::size_t most) {
  std::vector<std::byte> into(most);
  iovec room{into.data(), into.size()};
  if (::ptrace(PTRACE_GETREGSET, tid, type, &room) != 0) return {};
  into.resize(room.iov_len);
  return into;
}

void wait_for_a_child(steady_clock::duration time) {
  sigset_t child;
  ::sigemptyset(&child);
  ::sigaddset(&child, SIGCHLD);
  const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
  const timespec timeout{.tv_sec = left / 1'000'000'000, .tv_nsec = left % 1'000'000'000};
  ::sigtimedwait(&child, nullptr, &timeout);
}

}  // namespace

std::expected<std::vector<pid_t>, std::string> standstill::new_threads() const {
  auto tids = evidence::list_numbers(of_.proc_dir(), "task", most_threads);
  if (!tids) return std::unexpected("list its threads: " + evidence::error_text(tids.error()));
  if (tids->cut) return std::unexpected(fmt::format("it has more than {} threads", most_threads));
  std::erase_if(tids->found, [&](pid_t tid) {
    return std::ranges::find(threads_, tid, &held::tid) != threads_.end() ||
           std::ranges::find(late_, tid) != late_.end();
  });
  return std::move(tids->found);
}

std::expected<void, std::string> standstill::seize(pid_t tid) {
  if (const auto got = inspect::seize(tid); !got) {
    if (got.error() == ESRCH) return {};  // it has ended
    return std::unexpected(fmt::format("trace thread {}: {}", tid, evidence::error_text(got.error())));
  }
  threads_.push_back({.tid = tid});
  // Traced, it keeps its number even if it ends: now is the time to ask whose thread that is.
  if (::faccessat(of_.proc_dir(), fmt::format("task/{}", tid).c_str(), F_OK, 0) != 0)
    return std::unexpected("it ended, and its thread ids were reused");
  return {};
}

std::expected<void, std::string> standstill::attach() {
  const auto tids = new_threads();
  if (!tids) return std::unexpected(tids.error());
  for (const pid_t tid : *tids)
    if (auto done = seize(tid); !done) return done;
  if (threads_.empty()) return std::unexpected("it has ended");
  return {};
}

std::expected<void, std::string> standstill::stop_all(milliseconds patience) {
  for (const auto& t : threads_) ::ptrace(PTRACE_INTERRUPT, t.tid, nullptr, nullptr);
  for (int round = 0; round < most_rounds; ++round) {
    if (auto done = wait_for_all(patience); !done) return done;
    const auto fresh = new_threads();
    if (!fresh) return std::unexpected(fresh.error());
    if (fresh->empty()) {
      if (threads_.empty()) return std::unexpected("none of its threads could be stopped");
      return {};
    }
    for (const pid_t tid : *fresh) {
      if (auto done = seize(tid); !done) return done;
      ::ptrace(PTRACE_INTERRUPT, tid, nullptr, nullptr);
    }
  }
  return std::unexpected("it starts threads faster than they can be stopped");
}

std::expected<void, std::string> standstill::wait_for_all(milliseconds patience) {
  const auto began = steady_clock::now();
  for (;;) {
    bool waiting = false;
    for (auto& t : threads_) {
      if (t.at.what == stop::outcome::not_in_time) t.at = inspect::look_for_stop(t.tid);
      waiting = waiting || t.at.what == stop::outcome::not_in_time;
    }
    std::erase_if(threads_, [](const held& t) { return t.at.what == stop::outcome::ended; });
    if (!waiting) return {};
    const auto waited = steady_clock::now() - began;
    if (waited < before_asking_why) {
      wait_for_a_child(before_asking_why - waited);
      continue;
    }
    std::erase_if(threads_, [&](const held& t) {
      const bool late = t.at.what == stop::outcome::not_in_time && uninterruptible(t.tid);
      if (late) late_.push_back(t.tid);
      return late;
    });
    if (waited > patience) {
      if (std::ranges::all_of(threads_, [](const held& t) { return t.at.what == stop::outcome::stopped; }))
        return {};
      return std::unexpected(fmt::format("a thread did not stop within {} ms", patience.count()));
    }
    wait_for_a_child(before_asking_why);
  }
}

bool standstill::uninterruptible(pid_t tid) const {
  evidence::proc_reader reader;
  const auto text = reader.read(of_.proc_dir(), fmt::format("task/{}/stat", tid).c_str());
  const auto line = text ? evidence::parse_stat(*text) : std::nullopt;
  return line && line->state == 'D';
}

std::vector<thread_registers> standstill::registers() const {
  std::vector<thread_registers> all;
  for (const auto& t : threads_) {
    thread_registers made{.tid = t.tid, .general = register_set(t.tid, NT_PRSTATUS, 512)};
    if (made.general.empty()) continue;  // killed meanwhile
    made.floating = register_set(t.tid, NT_PRFPREG, 1'024);
    made.extended = register_set(t.tid, NT_X86_XSTATE, 16'384);
    all.push_back(std::move(made));
  }
  for (const pid_t tid : late_)
    if (auto blocked = where_it_waits(tid)) all.push_back(std::move(*blocked));
  const auto main_thread = std::ranges::find(all, of_.pid(), &thread_registers::tid);
  if (main_thread != all.end()) std::rotate(all.begin(), main_thread, main_thread + 1);
  return all;
}

/// Of a thread that waits in the kernel and cannot be stopped: proc_pid_syscall(5) has "NUMBER 6 ARGUMENTS SP
/// PC", enough to unwind from. The other registers are not known.
std::optional<thread_registers> standstill::where_it_waits(pid_t tid) const {
  evidence::proc_reader reader;
  const auto text = reader.read(of_.proc_dir(), fmt::format("task/{}/syscall", tid).c_str());
  if (!text) return std::nullopt;
  std::istringstream words{std::string(*text)};
  long long number = 0;
  std::array<unsigned long long, 8> v{};
  if (!(words >> std::dec >> number)) return std::nullopt;  // "running"
  for (auto& one : v)
    if (!(words >> std::hex >> std::setbase(0) >> one)) return std::nullopt;
  user_regs_struct r{};
  r.orig_rax = static_cast<unsigned long long>(number);
  std::tie(r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9, r.rsp, r.rip) =
      std::tie(v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]);
  r.cs = 0x33;
  r.ss = 0x2b;
  const auto bytes = std::as_bytes(std::span(&r, 1));
  return thread_registers{.tid = tid, .general = {bytes.begin(), bytes.end()}};
}

void standstill::let_go() {
  for (const auto& t : threads_) {
    auto at = t.at;
    if (at.what == stop::outcome::not_in_time) at = inspect::look_for_stop(t.tid);
    if (at.what == stop::outcome::stopped) inspect::let_go(t.tid, at);
  }
  threads_.clear();
}

}  // namespace unwedge::coredump
