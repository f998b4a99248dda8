#include "daemon/rescue/window.hpp"

#include "daemon/rescue/mutex.hpp"
#include "daemon/rescue/room_check.hpp"
#include "daemon/rescue/thread_place.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <thread>

namespace unwedge::rescue {

namespace {

namespace json = boost::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Where the holder is, as far as the lease is concerned.
enum class phase { sleeping, taking_back, back, finished, unknown, exited };

class watcher {
 public:
  watcher(const evidence::process& of, const grant& lease) : of_(of), lease_(lease) {}

  phase look() {
    if (!of_.alive()) return phase::exited;
    const auto text = files_.read(of_.proc_dir(), fmt::format("task/{}/syscall", lease_.holder).c_str());
    if (!text) return text.error() == ENOENT || text.error() == ESRCH ? gone() : phase::unknown;
    const auto at = parse_place(*text);
    if (at && at->sp == lease_.sleeping_sp && at->number == SYS_ppoll && at->args[2] == lease_.at.time) {
      slept_ = true;
      return phase::sleeping;
    }
    const bool beyond = at && (at->sp < lease_.at.begin - stack_margin || at->sp >= lease_.at.end);
    if (beyond) return phase::back;
    if (!slept_) return phase::unknown;  // on its way there
    // One that runs, as a poll that spins does, has no place; one that has gone on may be as deep in its
    // stack again.
    if (owns_again()) return phase::back;
    if (!at) return phase::unknown;
    return waits_for_its_own(*at) ? phase::taking_back : phase::back;
  }

 private:
  // Nothing but going on, its locks taken back, leads a thread to its end; unless all of them end, one by
  // one.
  phase gone() const {
    constexpr int for_a_moment = 200;  // ms
    pollfd end{.fd = of_.pidfd(), .events = POLLIN, .revents = 0};
    return ::poll(&end, 1, for_a_moment) == 1 ? phase::exited : phase::finished;
  }

  // The last is taken last.
  bool owns_again() const {
    const auto& last = lease_.locks.back();
    const auto now = read_mutex(of_.pid(), last.address);
    return now && now->owner == last.words.owner && now->lock != 0;
  }

  bool waits_for_its_own(const thread_place& at) const {
    const auto mutex = waited_mutex(at);
    return mutex && std::ranges::find(lease_.locks, *mutex, &held_mutex::address) != lease_.locks.end();
  }

  const evidence::process& of_;
  const grant& lease_;
  evidence::proc_reader files_;
  bool slept_ = false;
};

/// Lines on a descriptor.
class word_of_command {
 public:
  explicit word_of_command(int from) : from_(from) {}

  /// True: it said "end". Who closes it says nothing more: the window then runs out, as a job that was cut
  /// off may have paused, and must not go on (docs/rescue.md).
  bool heard_end(milliseconds within) {
    pollfd ready{.fd = from_, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, static_cast<int>(within.count())) <= 0) return false;
    std::array<char, 256> chunk;
    const auto got = ::read(from_, chunk.data(), chunk.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return false;
    if (got <= 0) from_ = -1;  // poll(2) then waits, and that is all
    if (got <= 0) return false;
    said_.append(chunk.data(), static_cast<std::size_t>(got));
    const bool end = said_.starts_with("end\n") || said_.find("\nend\n") != said_.npos;
    if (said_.size() > 1024) said_.erase(0, said_.size() - 8);
    return end;
  }

 private:
  int from_;
  std::string said_;
};

bool is_over(phase p) {
  return p == phase::back || p == phase::finished || p == phase::exited;
}

std::string said_of(phase p, pid_t holder) {
  switch (p) {
    case phase::back:
      return fmt::format("thread {} has its locks back and has gone on", holder);
    case phase::finished:
      return fmt::format("thread {} had its locks back, has gone on and ended since", holder);
    case phase::exited:
      return "the process has ended";
    case phase::taking_back:
      return fmt::format("thread {} waits to get its locks back: somebody else has them", holder);
    case phase::sleeping:
      return fmt::format("thread {} still sleeps in the lease", holder);
    case phase::unknown:
      break;
  }
  return fmt::format("thread {} runs; where, was not seen", holder);
}

struct ending {
  const char* by = "time";
  early_end early;
};

ending wait_for_end(const evidence::process& of, const grant& lease, watcher& holder, word_of_command command,
                    steady_clock::time_point until) {
  constexpr milliseconds step{2};
  ending made;
  bool asked = false;
  while (steady_clock::now() < until) {
    if (asked)
      std::this_thread::sleep_for(step);
    else
      asked = command.heard_end(step);
    const auto now = holder.look();
    if (is_over(now)) {
      if (now == phase::exited)
        made.by = "exit";
      else if (steady_clock::now() < until)
        made.by = "itself";
      return made;
    }
    // Before it has come to its sleep there is nothing to be ended.
    if (!asked || now != phase::sleeping) continue;
    made.early = end_lease(of, lease);
    if (!made.early.woken) continue;
    made.by = "command";
    return made;
  }
  return made;
}

}  // namespace

json::object keep_window(const evidence::process& of, const lease_request& wanted, const grant& lease,
                         int orders, milliseconds patience) {
  watcher holder{of, lease};
  const auto until = lease.began + wanted.window;
  const auto end = wait_for_end(of, lease, holder, word_of_command{orders}, until);
  const auto last = steady_clock::now() + patience;
  auto now = holder.look();
  while (!is_over(now) && steady_clock::now() < last) {
    std::this_thread::sleep_for(milliseconds{2});
    now = holder.look();
  }
  const auto lasted = std::chrono::duration_cast<milliseconds>(steady_clock::now() - lease.began);
  json::object made{{"returned", now == phase::back || now == phase::finished},
                    {"ended_by", end.by},
                    {"lasted_ms", lasted.count()},
                    {"sentence", said_of(now, lease.holder)}};
  if (end.early.times.stopped.count() > 0) {
    made["end_stopped_ns"] = end.early.times.stopped.count();
    made["end_operated_ns"] = end.early.times.operated.count();
  }
  if (!end.early.woken && !end.early.sentence.empty()) made["early_end"] = end.early.sentence;
  return made;
}

}  // namespace unwedge::rescue
