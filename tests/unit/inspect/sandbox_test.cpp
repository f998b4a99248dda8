// What is left to do once the sandbox is shut. Each case in a process of its own.
#include "daemon/inspect/sandbox.hpp"

#include "daemon/inspect/privileges.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <functional>
#include <vector>

namespace unwedge::inspect {
namespace {

// Its wait status; the body's result is its exit status.
int status_of(const std::function<int()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    keep_only_rights_to_look();
    drop_all_rights();
    enter_sandbox();
    ::_exit(body());
  }
  int status = -1;
  ::waitpid(pid, &status, 0);
  return status;
}

TEST(sandbox, lets_memory_and_open_descriptors_be_used) {
  const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(status_of([&] {
              std::vector<char> large(40 << 20, 'x');
              char magic[4] = {};
              return ::pread(file, magic, sizeof magic, 0) == 4 && magic[1] == 'E' && large.back() == 'x' ? 0
                                                                                                          : 1;
            }),
            0);
  ::close(file);
}

TEST(sandbox, opens_no_file) {
  EXPECT_EQ(status_of([] { return ::open("/etc/passwd", O_RDONLY) < 0 && errno == ENOENT ? 0 : 1; }), 0);
  EXPECT_EQ(
      status_of([] { return ::syscall(SYS_open, "/etc/passwd", O_RDONLY) < 0 && errno == ENOENT ? 0 : 1; }),
      0);
}

TEST(sandbox, kills_who_does_anything_else) {
  const std::vector<std::function<int()>> deeds{
      [] { return ::socket(AF_INET, SOCK_STREAM, 0); },
      [] { return ::fork(); },
      [] { return ::execl("/bin/true", "true", nullptr); },
      [] { return ::kill(::getppid(), SIGTERM); },
      [] { return static_cast<int>(::syscall(SYS_ptrace, 0, 0, 0, 0)); },
      [] { return static_cast<int>(::syscall(SYS_process_vm_readv, 1, 0, 0, 0, 0, 0)); },
      [] {
        return ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != nullptr;
      },
      [] { return ::unlink("/tmp/nothing"); },
  };
  for (std::size_t i = 0; i < deeds.size(); ++i) {
    const int status = status_of(deeds[i]);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) << i << ": " << status;
  }
}

TEST(rights, are_gone_when_dropped) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    keep_only_rights_to_look();
    drop_all_rights();
    // Another user's file: root without capabilities owns it, so ask for something that takes one.
    ::_exit(::setuid(1) != 0 && errno == EPERM && ::chroot("/") != 0 ? 0 : 1);
  }
  int status = -1;
  ::waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace unwedge::inspect
