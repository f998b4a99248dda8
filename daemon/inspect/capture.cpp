#include "daemon/inspect/capture.hpp"

#include "daemon/inspect/stack_copy.hpp"
#include "daemon/inspect/stop_limit.hpp"
#include "daemon/inspect/thread_look.hpp"
#include "daemon/inspect/tracing.hpp"

#include <fmt/format.h>

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <thread>

namespace unwedge::inspect {

namespace {

using std::chrono::steady_clock;

std::vector<pid_t> list_threads(const evidence::process& of, evidence::missing_list& missing) {
  auto tids = evidence::list_numbers(of.proc_dir(), "task", most_threads);
  if (!tids) {
    missing.note("threads", "", tids.error());
    return {};
  }
  if (tids->cut) missing.note("threads", "", fmt::format("only the first {}", most_threads));
  const auto main_thread = std::ranges::find(tids->found, of.pid());
  if (main_thread != tids->found.end()) std::rotate(tids->found.begin(), main_thread, main_thread + 1);
  return std::move(tids->found);
}

std::string why_left_alone(const thread_look& look) {
  if (look.tracer != 0) return fmt::format("traced by process {}: left alone", look.tracer);
  return look.state == 'T' ? "stopped by a signal: left alone" : "";
}

std::vector<captured_thread> look_at_all(const evidence::process& of, evidence::missing_list& missing) {
  std::vector<captured_thread> threads;
  evidence::proc_reader files;
  for (const pid_t tid : list_threads(of, missing)) {
    auto look = look_at_thread(of.proc_dir(), tid, files);
    if (!look) continue;  // it has ended
    threads.push_back({.facts = {.tid = tid, .comm = std::move(look->comm), .state = look->state}});
    threads.back().facts.unwind = why_left_alone(*look);
  }
  return threads;
}

class capturer {
 public:
  capturer(const evidence::process& of, const memory_map& map, const capture_limits& limits)
      : of_(of), limits_(limits), stacks_(of, map), standing_still_(limits.longest_stop) {}

  // Threads that did not stop in time may have stopped since.
  void let_go_of_late_ones() {
    std::erase_if(late_, [](pid_t tid) {
      const auto now = look_for_stop(tid);
      if (now.what == stop::outcome::stopped) let_go(tid, now);
      return now.what != stop::outcome::not_in_time;
    });
  }

  // Somebody else's thread has one of our numbers: end the tracing at once.
  bool hit_a_stranger() const { return stranger_; }

  void stop_and_copy(captured_thread& made) {
    const pid_t tid = made.facts.tid;
    if (const auto got = seize(tid); !got) {
      made.facts.unwind = got.error() == ESRCH
                              ? "ended meanwhile"
                              : fmt::format("cannot be traced: {}", evidence::error_text(got.error()));
      return;
    }
    // Traced, it keeps its number even if it ends: now is the time to ask whose thread that is.
    if (::faccessat(of_.proc_dir(), fmt::format("task/{}", tid).c_str(), F_OK, 0) != 0) {
      stranger_ = true;
      made.facts.unwind = "ended meanwhile";
      return;
    }
    const auto patience = made.facts.state == 'D' ? limits_.patience_uninterruptible : limits_.patience;
    snapshot copy;
    standing_still_.arm();
    const auto began = steady_clock::now();
    const auto at = interrupt(tid, patience);
    if (at.what != stop::outcome::stopped) {
      standing_still_.disarm();
      made.facts.unwind = "ended meanwhile";
      if (at.what == stop::outcome::ended) return;
      late_.push_back(tid);
      made.facts.unwind = "did not stop in time: it may be in an uninterruptible wait";
      return;
    }
    const auto registers = registers_of(tid);
    const auto stack = registers ? stacks_.copy(registers->rsp) : std::span<const std::byte>{};
    let_go(tid, at);
    made.facts.stopped = steady_clock::now() - began;
    standing_still_.disarm();
    if (!registers) {
      made.facts.unwind = "its registers cannot be read, or are not those of a 64-bit thread";
      return;
    }
    made.what.emplace(*registers, std::vector<std::byte>{stack.begin(), stack.end()});
  }

 private:
  const evidence::process& of_;
  const capture_limits& limits_;
  stack_copier stacks_;
  stop_limit standing_still_;
  std::vector<pid_t> late_;
  bool stranger_ = false;
};

void capture_all(const evidence::process& of, const memory_map& map, const capture_limits& limits,
                 std::vector<captured_thread>& threads) {
  capturer one{of, map, limits};
  for (auto& thread : threads) {
    if (!thread.facts.unwind.empty()) continue;
    if (one.hit_a_stranger() || steady_clock::now() >= limits.until) {
      thread.facts.unwind = one.hit_a_stranger() ? "thread ids were reused" : "no time left";
      continue;
    }
    one.stop_and_copy(thread);
    one.let_go_of_late_ones();
  }
}

// On a thread of its own, for what ptrace(2) makes of a tracer's end.
void run_as_tracer(const std::function<void()>& body) {
  std::exception_ptr failure;
  std::thread tracer{[&] {
    try {
      go_first();
      body();
    } catch (...) {
      failure = std::current_exception();
    }
  }};
  tracer.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace

capture capture_threads(const evidence::process& of, const memory_map& map, const capture_limits& limits,
                        evidence::missing_list& missing,
                        const std::function<void(const thread_stack&)>& seen) {
  capture made{.threads = look_at_all(of, missing)};
  for (const auto& thread : made.threads) seen(thread.facts);
  const auto began = steady_clock::now();
  run_as_tracer([&] { capture_all(of, map, limits, made.threads); });
  made.took = steady_clock::now() - began;
  for (const auto& thread : made.threads)
    if (!thread.what) missing.note("stack", fmt::format("thread {}", thread.facts.tid), thread.facts.unwind);
  return made;
}

}  // namespace unwedge::inspect
