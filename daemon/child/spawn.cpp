#include "daemon/child/spawn.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace unwedge::child {
namespace {

using evidence::file_descriptor;

struct pipe_ends {
  file_descriptor read, write;
};

/// Both above the three that a child gets: dup2() onto those must not hit one that is still needed.
file_descriptor above_three(file_descriptor fd) {
  if (!fd || fd.get() > STDERR_FILENO) return fd;
  return file_descriptor{::fcntl(fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1)};
}

pipe_ends open_pipe() {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  pipe_ends made{above_three(file_descriptor{ends[0]}), above_three(file_descriptor{ends[1]})};
  if (made.read) ::fcntl(made.read.get(), F_SETFL, O_NONBLOCK);
  return made;
}

struct socket_ends {
  file_descriptor ours, theirs;
};

/// A pipe would end when its last copy is closed, and whoever is just being forked has one. A socket can be
/// shut down.
socket_ends open_socket() {
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return {};
  return {above_three(file_descriptor{ends[0]}), above_three(file_descriptor{ends[1]})};
}

/// All that the child needs, made before fork(): after it only async-signal-safe functions may be called,
/// since other threads of ours may have held any lock.
struct plan {
  const char* program;
  char* const* argv;
  char* const* environment;
  int in, out, error, failure;
  pid_t parent;
  bool dies_with_us;
};

void default_signals() {
  struct sigaction usual{};
  usual.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &usual, nullptr);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// The daemon is the last that the kernel kills when memory is short; a helper is not.
void usual_oom_score() {
  const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  [[maybe_unused]] const auto written = ::write(fd, "0", 1);
  ::close(fd);
}

[[noreturn]] void fail(const plan& p) {
  const int why = errno;
  [[maybe_unused]] const auto written = ::write(p.failure, &why, sizeof why);
  ::_exit(127);
}

[[noreturn]] void become(const plan& p) {
  if (p.dies_with_us) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != p.parent) ::_exit(127);  // it died before it could be said
  default_signals();
  usual_oom_score();
  if (::dup2(p.in, STDIN_FILENO) < 0 || ::dup2(p.out, STDOUT_FILENO) < 0 ||
      ::dup2(p.error, STDERR_FILENO) < 0)
    fail(p);
  // At exec, not now: p.failure is needed until then.
  if (::syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC) != 0) fail(p);
  if (::chdir("/") != 0) fail(p);
  ::execve(p.program, p.argv, p.environment);
  fail(p);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& t : texts) out.push_back(t.data());
  out.push_back(nullptr);
  return out;
}

std::unexpected<std::string> failed(const command& c, std::string_view what, int error) {
  return std::unexpected(fmt::format("{}: {}: {}", c.program.string(), what, std::strerror(error)));
}

}  // namespace

std::expected<spawned, std::string> spawn(const command& c) {
  auto out = c.output ? pipe_ends{} : open_pipe();
  auto error = open_pipe(), failure = open_pipe();
  const auto null = above_three(file_descriptor{::open("/dev/null", O_RDONLY | O_CLOEXEC)});
  auto in = c.grace ? open_socket() : socket_ends{};
  const bool all =
      (c.output || out.write) && error.write && failure.write && null && (!c.grace || (in.ours && in.theirs));
  if (!all) return failed(c, "no descriptors for it", errno);

  std::vector<std::string> arguments{c.program.string()};
  arguments.insert(arguments.end(), c.arguments.begin(), c.arguments.end());
  std::vector<std::string> environment{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                       "LC_ALL=C.UTF-8"};
  auto argv = pointers(arguments), envp = pointers(environment);
  const plan p{.program = arguments.front().c_str(),
               .argv = argv.data(),
               .environment = envp.data(),
               .in = c.grace   ? in.theirs.get()
                     : c.input ? c.input.get()
                               : null.get(),
               .out = c.output ? c.output.get() : out.write.get(),
               .error = error.write.get(),
               .failure = failure.write.get(),
               .parent = ::getpid(),
               .dies_with_us = !c.grace};
  // No handler of ours may run in the child.
  sigset_t all_signals, before;
  sigfillset(&all_signals);
  ::pthread_sigmask(SIG_SETMASK, &all_signals, &before);
  const pid_t pid = ::fork();
  if (pid == 0) become(p);
  const int why = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return failed(c, "fork", why);

  spawned made{.pid = pid,
               .pidfd = file_descriptor{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))},
               .input = std::move(in.ours),
               .output = std::move(out.read),
               .error_output = std::move(error.read),
               .failure = std::move(failure.read)};
  if (made.pidfd) return made;
  // Out of descriptors. It is ours and not reaped: this number is its own.
  const int refused = errno;
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  return failed(c, "pidfd_open", refused);
}

void kill(const spawned& s) {
  if (s.pidfd) ::syscall(SYS_pidfd_send_signal, s.pidfd.get(), SIGKILL, nullptr, 0);
}

}  // namespace unwedge::child
