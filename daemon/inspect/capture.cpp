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
  const auto tids = evidence::list_numbers(of.proc_dir(), "task", most_threads);
  if (!tids) {
    missing.note("threads", "", tids.error());
    return {};
  }
  if (tids->cut) missing.note("threads", "", fmt::format("only the first {}", most_threads));
  auto found = tids->found;
  const auto main_thread = std::ranges::find(found, of.pid());
  if (main_thread != found.end()) std::rotate(found.begin(), main_thread, main_thread + 1);
  return found;
}

class capturer {
 public:
  capturer(const evidence::process& of, const memory_map& map, const capture_limits& limits)
      : of_(of), limits_(limits), stacks_(of, map), standing_still_(limits.longest_stop) {}

  // nullopt: it has ended.
  std::optional<captured_thread> capture(pid_t tid) {
    auto look = look_at_thread(of_.proc_dir(), tid, files_);
    if (!look) return std::nullopt;
    captured_thread made;
    made.facts = {.tid = tid, .comm = std::move(look->comm), .state = look->state};
    if (look->tracer != 0)
      made.facts.unwind = fmt::format("traced by process {}: left alone", look->tracer);
    else if (look->state == 'T')
      made.facts.unwind = "stopped by a signal: left alone";
    else if (!stop_and_copy(made))
      return std::nullopt;
    return made;
  }

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

 private:
  // False: it has ended.
  bool stop_and_copy(captured_thread& made) {
    const pid_t tid = made.facts.tid;
    if (const auto got = seize(tid); !got) {
      made.facts.unwind = fmt::format("cannot be traced: {}", evidence::error_text(got.error()));
      return got.error() != ESRCH;
    }
    // Traced, it keeps its number even if it ends: now is the time to ask whose thread that is.
    if (::faccessat(of_.proc_dir(), fmt::format("task/{}", tid).c_str(), F_OK, 0) != 0) {
      stranger_ = true;
      return false;
    }
    const auto patience = made.facts.state == 'D' ? limits_.patience_uninterruptible : limits_.patience;
    snapshot copy;
    standing_still_.arm();
    const auto began = steady_clock::now();
    const auto at = interrupt(tid, patience);
    if (at.what != stop::outcome::stopped) {
      standing_still_.disarm();
      if (at.what == stop::outcome::ended) return false;
      late_.push_back(tid);
      made.facts.unwind = "did not stop in time: it may be in an uninterruptible wait";
      return true;
    }
    const auto registers = registers_of(tid);
    const auto stack = registers ? stacks_.copy(registers->rsp) : std::span<const std::byte>{};
    let_go(tid, at);
    made.facts.stopped = steady_clock::now() - began;
    standing_still_.disarm();
    if (!registers) {
      made.facts.unwind = "its registers cannot be read, or are not those of a 64-bit thread";
      return true;
    }
    made.what.emplace(*registers, std::vector<std::byte>{stack.begin(), stack.end()});
    return true;
  }

  const evidence::process& of_;
  const capture_limits& limits_;
  evidence::proc_reader files_;
  stack_copier stacks_;
  stop_limit standing_still_;
  std::vector<pid_t> late_;
  bool stranger_ = false;
};

}  // namespace

std::vector<captured_thread> capture_threads(const evidence::process& of, const memory_map& map,
                                             const capture_limits& limits, evidence::missing_list& missing,
                                             const std::function<void(const captured_thread&)>& each) {
  std::vector<captured_thread> captured;
  std::exception_ptr failure;
  const auto capture_all = [&] {
    capturer one{of, map, limits};
    for (const pid_t tid : list_threads(of, missing)) {
      if (steady_clock::now() >= limits.until) {
        missing.note("stack", fmt::format("thread {}", tid), "no time left");
        continue;
      }
      auto made = one.capture(tid);
      one.let_go_of_late_ones();
      if (one.hit_a_stranger()) return missing.note("threads", "", "thread ids were reused, ended early");
      if (!made) continue;
      if (!made->what) missing.note("stack", fmt::format("thread {}", tid), made->facts.unwind);
      each(*made);
      captured.push_back(std::move(*made));
    }
  };
  std::thread tracer{[&] {
    try {
      go_first();
      capture_all();
    } catch (...) {
      failure = std::current_exception();
    }
  }};
  tracer.join();
  if (failure) std::rethrow_exception(failure);
  return captured;
}

}  // namespace unwedge::inspect
