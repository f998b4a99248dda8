#include "tests/bench/standstill.hpp"

#include "daemon/evidence/file_descriptor.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace unwedge::bench {
namespace {

using std::chrono::steady_clock;

struct watched_thread {
  evidence::file_descriptor stat;
  steady_clock::time_point seen;
  std::chrono::nanoseconds at_a_stretch{0};
};

std::vector<watched_thread> threads_of(pid_t pid) {
  std::vector<watched_thread> threads;
  for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task"))
    threads.push_back(
        {.stat = evidence::file_descriptor{::open((task.path() / "stat").c_str(), O_RDONLY | O_CLOEXEC)},
         .seen = steady_clock::now()});
  return threads;
}

bool stands(const watched_thread& thread) {
  std::array<char, 512> line;
  const auto got = ::pread(thread.stat.get(), line.data(), line.size(), 0);
  const std::string_view text{line.data(), got < 0 ? 0 : static_cast<std::size_t>(got)};
  const auto name_end = text.rfind(") ");
  if (name_end == text.npos || name_end + 2 >= text.size())
    throw std::runtime_error("stacks: the target has ended");
  return text[name_end + 2] == 't' || text[name_end + 2] == 'T';
}

using instants = std::optional<std::pair<steady_clock::time_point, steady_clock::time_point>>;

void sweep(std::vector<watched_thread>& threads, standstill& sum, instants& stopped) {
  for (auto& t : threads) {
    const bool still = stands(t);
    const auto now = steady_clock::now();
    if (still) {
      sum.sum += now - t.seen;
      t.at_a_stretch += now - t.seen;
      sum.longest = std::max(sum.longest, t.at_a_stretch);
      if (!stopped) stopped.emplace(t.seen, now);
      stopped->second = now;
    } else {
      t.at_a_stretch = {};
    }
    t.seen = now;
  }
}

pid_t start(const std::vector<std::string>& command) {
  std::vector<char*> argv;
  for (const auto& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::unsetenv("DEBUGINFOD_URLS");  // nobody fetches anything
  const int null = ::open("/dev/null", O_RDWR);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, fd);
  ::execvp(argv[0], argv.data());
  ::_exit(127);
}

}  // namespace

standstill watch_while(pid_t of, const std::vector<std::string>& command) {
  auto threads = threads_of(of);
  standstill seen;
  const pid_t pid = start(command);
  instants stopped;
  int status = 0;
  while (::waitpid(pid, &status, WNOHANG) == 0) sweep(threads, seen, stopped);
  if (stopped) seen.span = stopped->second - stopped->first;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw std::runtime_error("stacks: failed: " + command.front());
  return seen;
}

}  // namespace unwedge::bench
