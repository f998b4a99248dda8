#include "daemon/inspect/supervisor.hpp"

#include "daemon/evidence/file_descriptor.hpp"
#include "daemon/inspect/document.hpp"
#include "daemon/inspect/privileges.hpp"
#include "daemon/inspect/worker.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <system_error>

namespace unwedge::inspect {

namespace {

using std::chrono::steady_clock;

struct worker {
  pid_t pid = -1;
  evidence::file_descriptor says;
};

worker start(const options& chosen, steady_clock::time_point until) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  worker made{.says = evidence::file_descriptor{ends[0]}};
  const evidence::file_descriptor out{ends[1]};
  const pid_t parent = ::getpid();
  made.pid = ::fork();
  if (made.pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (made.pid > 0) return made;
  // If we are killed it ends with us, and the kernel lets go of what it traces.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(exit_failed);
  ::close(ends[0]);
  run_worker(chosen, ends[1], until);
}

enum class heard { everything, too_much, too_late };

heard listen(int fd, steady_clock::time_point until, document& into) {
  std::string rest;
  std::size_t bytes = 0;
  std::array<char, 65'536> chunk;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now());
    pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
    if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) == 0) return heard::too_late;
    const auto got = ::read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return heard::everything;
    bytes += static_cast<std::size_t>(got);
    if (bytes > most_result_bytes) return heard::too_much;
    rest.append(chunk.data(), static_cast<std::size_t>(got));
    std::size_t from = 0;
    for (auto end = rest.find('\n'); end != rest.npos; end = rest.find('\n', from)) {
      into.take(std::string_view{rest}.substr(from, end - from));
      from = end + 1;
    }
    rest.erase(0, from);
  }
}

// Its last words if it has ended; one that hangs in the kernel is left to init.
std::string end_of(pid_t worker) {
  int status = 0;
  for (int i = 0; i < 20; ++i) {
    if (::waitpid(worker, &status, WNOHANG) == worker) {
      if (WIFSIGNALED(status)) return fmt::format("it was killed by signal {}", WTERMSIG(status));
      return fmt::format("it exited with status {}", WEXITSTATUS(status));
    }
    ::poll(nullptr, 0, 5);
  }
  return "it hangs in the kernel";
}

void explain(heard how, const options& chosen, pid_t worker, document& into) {
  if (how != heard::everything) ::kill(worker, SIGKILL);
  const auto end = end_of(worker);
  const auto missing = fmt::format("the stacks of {} threads are missing", into.waiting());
  if (how == heard::too_late)
    into.add_problem(fmt::format("the deadline of {} ms passed: {}", chosen.deadline.count(), missing));
  else if (how == heard::too_much)
    into.add_problem(fmt::format("more than {} bytes: {}", most_result_bytes, missing));
  else if (!into.finished())
    into.add_problem(fmt::format("the inspection ended early, {}: {}", end, missing));
}

bool print(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

}  // namespace

exit_status inspect(const options& chosen) {
  const auto until = steady_clock::now() + chosen.deadline;
  const auto child = start(chosen, until);
  keep_only_rights_to_look();
  drop_all_rights();
  document made{chosen.pid};
  explain(listen(child.says.get(), until, made), chosen, child.pid, made);
  return print(made.text()) && !made.failed() ? exit_done : exit_failed;
}

}  // namespace unwedge::inspect
