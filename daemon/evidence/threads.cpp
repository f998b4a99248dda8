#include "daemon/evidence/threads.hpp"

#include "daemon/evidence/address.hpp"
#include "daemon/evidence/schedstat_line.hpp"
#include "daemon/evidence/stat_line.hpp"
#include "daemon/evidence/syscalls.hpp"
#include "daemon/evidence/thread_status.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>

namespace unwedge::evidence {

namespace {

bool vanished(int error) {
  return error == ENOENT || error == ESRCH;
}

std::uint64_t nanoseconds(std::uint64_t ticks) {
  static const auto a_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return ticks * (1'000'000'000 / a_second);
}

// One thread's files, relative to its own folder: a recycled tid cannot be hit.
class thread_reader {
 public:
  thread_reader(sampling& s, int folder, policies::thread_facts& thread)
      : s_(s), folder_(folder), thread_(thread) {}

  // False: the thread has ended. Each file costs some microseconds, and each thread has them: none is read
  // for what another one tells as well.
  bool read() {
    if (!read_stat()) return false;
    read_times();
    read_syscall();
    if (!waits_as_its_syscall_says()) read_wchan();
    return !lost_ || file("stat").has_value();
  }

 private:
  std::expected<std::string_view, int> file(const char* name) {
    auto text = s_.files.read(folder_, name);
    if (!text && vanished(text.error())) lost_ = true;
    return text;
  }

  bool read_stat() {
    const auto text = file("stat");
    const auto line = text ? parse_stat(*text) : std::nullopt;
    if (!line) return false;
    thread_.comm = printable(line->comm);
    thread_.state = line->state;
    thread_.sleeping = line->state == 'S' || line->state == 'D';
    thread_.cpu_ns = nanoseconds(line->cpu_ticks);
    return true;
  }

  // Documentation/scheduler/sched-stats.rst. Each time that it came to run is one that it had been switched
  // away, so that the costlier status is only read without CONFIG_SCHED_INFO, or for its number elsewhere.
  void read_times() {
    const auto text = file("schedstat");
    const auto times = text ? parse_schedstat(*text) : std::nullopt;
    if (times) {
      thread_.cpu_ns = times->on_cpu_ns;
      thread_.waited_for_cpu_ns = times->waited_ns;
      thread_.context_switches = times->runs;
    }
    if (!times || s_.in_inner_namespace) return read_status(!times);
    s_.tids.emplace_back(thread_.tid, thread_.tid);
  }

  void read_status(bool for_switches) {
    const auto text = file("status");
    if (!text) return note("status", text.error());
    const auto status = parse_thread_status(*text);
    s_.tids.emplace_back(status.own_tid.value_or(thread_.tid), thread_.tid);
    if (!for_switches) return;
    if (!status.context_switches) return s_.missing.note("context switches", name(), "not in its status");
    thread_.context_switches = *status.context_switches;
  }

  // Where the kernel keeps a thread in futex or a poll is known. The main thread may be kept there by a
  // freezer.
  bool waits_as_its_syscall_says() const {
    return thread_.state == 'S' && thread_.tid != s_.of.pid() && thread_.syscall &&
           (thread_.syscall->number == SYS_futex || polls(*thread_.syscall) ||
            waits_on_set(*thread_.syscall));
  }

  void read_wchan() {
    if (const auto text = file("wchan"); text && *text != "0") thread_.wchan = printable(*text);
  }

  void read_syscall() {
    const auto text = file("syscall");
    if (!text) return note("syscall", text.error());
    thread_.syscall = parse_syscall(*text);
    if (!thread_.syscall) s_.missing.note("syscall", name(), "not understood");
  }

  void note(std::string_view what, int error) {
    if (!vanished(error)) s_.missing.note(what, name(), error);
  }
  std::string name() const { return fmt::format("thread {}", thread_.tid); }

  sampling& s_;
  int folder_;
  policies::thread_facts& thread_;
  bool lost_ = false;
};

void read_thread(sampling& s, int task, pid_t tid) {
  const file_descriptor folder{::openat(task, decimal{tid}.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!folder) {
    if (!vanished(errno)) s.missing.note("thread", fmt::format("{}", tid), errno);
    return;
  }
  auto& thread = s.facts.threads.emplace_back();
  thread.tid = tid;
  if (thread_reader{s, folder.get(), thread}.read()) return;
  s.facts.threads.pop_back();
  if (!s.tids.empty() && s.tids.back().second == tid) s.tids.pop_back();
}

file_descriptor open_tasks(const sampling& s) {
  return file_descriptor{::openat(s.of.proc_dir(), "task", O_PATH | O_DIRECTORY | O_CLOEXEC)};
}

}  // namespace

void read_main_thread(sampling& s) {
  const auto task = open_tasks(s);
  read_thread(s, task.get(), s.of.pid());
}

void read_threads(sampling& s) {
  auto tids = list_numbers(s.of.proc_dir(), "task", most_threads);
  if (!tids) return s.missing.note("threads", "", tids.error());
  if (tids->cut) s.missing.note("threads", "", fmt::format("only the first {} read", most_threads));
  const auto main_thread = std::ranges::find(tids->found, s.of.pid());
  if (main_thread != tids->found.end()) std::rotate(tids->found.begin(), main_thread, main_thread + 1);
  const auto task = open_tasks(s);
  s.facts.threads.reserve(tids->found.size());
  for (const pid_t tid : tids->found) read_thread(s, task.get(), tid);
}

}  // namespace unwedge::evidence
