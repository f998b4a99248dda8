// From a connected socket to the process at its other end, with and without SO_PEERPIDFD.
#include "tests/unit/evidence/child.hpp"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>

namespace unwedge::evidence {
namespace {

sockaddr_un abstract_name() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto name = "unwedge-peer-" + std::to_string(::getpid());
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  return address;
}

// A child that connects to us, and our end of that connection.
struct visitor {
  file_descriptor listener{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address = abstract_name();
  bool listens = ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                 ::listen(listener.get(), 1) == 0;
  child process{[this] {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) ::_exit(1);
  }};
  file_descriptor ours{::accept(listener.get(), nullptr, nullptr)};
};

TEST(peer, is_the_process_that_connected) {
  visitor v;
  const auto peer = process::peer_of(v.ours.get());
  ASSERT_TRUE(peer) << peer.error();
  EXPECT_EQ(peer->pid(), v.process.pid());
  EXPECT_TRUE(peer->alive());
  EXPECT_EQ(peer->start_time(), hold(v.process.pid()).start_time());
}

TEST(peer, that_has_ended_is_an_error) {
  visitor v;
  v.process.reap();
  EXPECT_FALSE(process::peer_of(v.ours.get()));
}

TEST(peer, of_no_unix_socket_is_an_error) {
  const file_descriptor tcp{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  EXPECT_FALSE(process::peer_of(tcp.get()));
  EXPECT_FALSE(process::peer_of(-1));
}

// Makes this process see a kernel before Linux 6.5: getsockopt(..., SO_PEERPIDFD) is ENOPROTOOPT.
bool forget_peerpidfd() {
  const auto argument = static_cast<std::uint32_t>(offsetof(seccomp_data, args) + 2 * sizeof(std::uint64_t));
  sock_filter code[] = {
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 3, SYS_getsockopt},
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, argument},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 77},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOPROTOOPT},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
  };
  const sock_fprog program{.len = std::size(code), .filter = code};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

int exit_status(pid_t pid) {
  int status = -1;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(peer, is_found_on_older_kernels_too) {
  visitor v;
  const pid_t judge = ::fork();
  if (judge == 0) {
    if (!forget_peerpidfd()) ::_exit(2);
    const auto peer = process::peer_of(v.ours.get());
    ::_exit(peer && peer->pid() == v.process.pid() ? 0 : 1);
  }
  EXPECT_EQ(exit_status(judge), 0);
  v.process.reap();
  const pid_t second = ::fork();
  if (second == 0) ::_exit(!forget_peerpidfd() ? 2 : process::peer_of(v.ours.get()) ? 1 : 0);
  EXPECT_EQ(exit_status(second), 0);
}

}  // namespace
}  // namespace unwedge::evidence
