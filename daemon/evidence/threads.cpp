#include "daemon/evidence/threads.hpp"

#include "daemon/evidence/address.hpp"
#include "daemon/evidence/stat_line.hpp"
#include "daemon/evidence/syscalls.hpp"

#include <fmt/format.h>

#include <fcntl.h>

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

  // False: the thread has ended.
  bool read() {
    const auto stat = file("stat");
    const auto line = stat ? parse_stat(*stat) : std::nullopt;
    if (!line) return false;
    thread_.comm = printable(line->comm);
    thread_.state = line->state;
    thread_.sleeping = line->state == 'S' || line->state == 'D';
    thread_.cpu_ns = nanoseconds(line->cpu_ticks);
    if (const auto text = file("schedstat")) {  // absent without CONFIG_SCHED_INFO
      if (const auto cpu = number_after(*text, ""); cpu && *cpu > 0)
        thread_.cpu_ns = static_cast<std::uint64_t>(*cpu);
      const auto space = text->find(' ');
      if (const auto waited = number_after(text->substr(std::min(space, text->size())), " "))
        thread_.waited_for_cpu_ns = static_cast<std::uint64_t>(*waited);
    }
    if (const auto text = file("wchan"); text && *text != "0") thread_.wchan = printable(*text);
    read_switches();
    read_syscall();
    return !lost_ || file("stat").has_value();
  }

 private:
  std::expected<std::string_view, int> file(const char* name) {
    auto text = s_.files.read(folder_, name);
    if (!text && vanished(text.error())) lost_ = true;
    return text;
  }

  void read_switches() {
    const auto text = file("status");
    if (!text) return note("status", text.error());
    s_.tids.emplace_back(own_tid(*text), thread_.tid);
    const auto at = text->rfind("\nvoluntary_ctxt_switches:");
    if (at == text->npos) return s_.missing.note("context switches", name(), "not in its status");
    const auto tail = text->substr(at + 1);
    thread_.context_switches =
        static_cast<std::uint64_t>(number_after(tail, "voluntary_ctxt_switches:").value_or(0) +
                                   number_after(tail, "nonvoluntary_ctxt_switches:").value_or(0));
  }

  // The last of NSpid is the number in the innermost pid namespace: what the thread calls itself, and what
  // glibc writes into a mutex that it holds.
  pid_t own_tid(std::string_view status) const {
    const auto at = status.find("\nNSpid:");
    if (at == status.npos) return thread_.tid;
    const auto line = status.substr(at + 1, status.find('\n', at + 1) - at - 1);
    const auto last = number_after(line.substr(std::min(line.find_last_of(" \t"), line.size())), "");
    return last && *last > 0 ? static_cast<pid_t>(*last) : thread_.tid;
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
