#include "daemon/rescue/window.hpp"

#include "daemon/rescue/thread_place.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <sys/syscall.h>

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

constexpr std::uint64_t callee_stack = 65'536;  // see room_check.hpp

phase phase_of(const evidence::process& of, const grant& lease, evidence::proc_reader& files) {
  if (!of.alive()) return phase::exited;
  const auto text = files.read(of.proc_dir(), fmt::format("task/{}/syscall", lease.holder).c_str());
  // Nothing but going on, its locks taken back, leads a thread to its end.
  if (!text) return text.error() == ENOENT || text.error() == ESRCH ? phase::finished : phase::unknown;
  const auto at = parse_place(*text);
  if (!at) return phase::unknown;  // it runs: on its way into the chain, or out of it
  if (at->sp < lease.at.begin - callee_stack || at->sp >= lease.at.end) return phase::back;
  return at->sp == lease.sleeping_sp && at->number == SYS_ppoll ? phase::sleeping : phase::taking_back;
}

/// Lines on a descriptor.
class word_of_command {
 public:
  explicit word_of_command(int from) : from_(from) {}

  /// True: it said "end", or nobody can say it any more.
  bool heard_end(milliseconds within) {
    pollfd ready{.fd = from_, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, static_cast<int>(within.count())) <= 0) return false;
    std::array<char, 256> chunk;
    const auto got = ::read(from_, chunk.data(), chunk.size());
    if (got < 0) return errno != EINTR && errno != EAGAIN;
    if (got == 0) return true;
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

}  // namespace

json::object keep_window(const evidence::process& of, const lease_request& wanted, const grant& lease,
                         int orders, milliseconds patience) {
  constexpr milliseconds step{5};
  evidence::proc_reader files;
  word_of_command command{orders};
  const auto until = lease.began + wanted.window;
  const char* ended_by = "time";
  early_end early;
  while (steady_clock::now() < until) {
    if (command.heard_end(step)) {
      ended_by = "command";
      early = end_lease(of, lease);
      break;
    }
    const auto now = phase_of(of, lease, files);
    if (is_over(now)) {
      ended_by = now == phase::exited ? "exit" : "itself";
      break;
    }
  }
  const auto last = std::max(steady_clock::now(), ended_by[0] == 't' ? until : lease.began) + patience;
  auto now = phase_of(of, lease, files);
  while (!is_over(now) && steady_clock::now() < last) {
    std::this_thread::sleep_for(step);
    now = phase_of(of, lease, files);
  }
  const auto lasted = std::chrono::duration_cast<milliseconds>(steady_clock::now() - lease.began);
  json::object made{{"returned", now == phase::back || now == phase::finished || now == phase::unknown},
                    {"ended_by", ended_by},
                    {"lasted_ms", lasted.count()},
                    {"sentence", said_of(now, lease.holder)}};
  if (early.stopped.count() > 0) made["end_stopped_ns"] = early.stopped.count();
  if (ended_by[0] == 'c' && !early.woken) made["early_end"] = early.sentence;
  return made;
}

}  // namespace unwedge::rescue
