// One connection of a process is shut down, that one and no other.
#include "daemon/evidence/proc_files.hpp"
#include "daemon/inspect/privileges.hpp"
#include "tests/unit/rescue/rescue_run.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cerrno>
#include <new>

namespace unwedge::rescue {
namespace {

using testing::HasSubstr;

std::uint64_t inode_of(int fd) {
  struct stat status{};
  return ::fstat(fd, &status) == 0 ? status.st_ino : 0;
}

/// Two connected ends.
struct connection {
  int near = -1, far = -1, listener = -1;

  connection() = default;
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  ~connection() {
    for (const int fd : {near, far, listener})
      if (fd >= 0) ::close(fd);
  }

  void over_tcp() {
    listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{
        .sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    socklen_t length = sizeof address;
    ASSERT_EQ(::bind(listener, any, length), 0);
    ASSERT_EQ(::listen(listener, 1), 0);
    ASSERT_EQ(::getsockname(listener, any, &length), 0);
    near = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::connect(near, any, length), 0);
    far = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  }
  void over_unix() {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    near = ends[0];
    far = ends[1];
  }
};

struct outcome {
  std::atomic<int> filled, errors, polled;
};

// Fills the connection as QEMU does, and then waits as QEMU does: for POLLOUT and POLLERR, not for POLLHUP.
void fill_and_wait(int fd, outcome& seen) {
  ::signal(SIGPIPE, SIG_IGN);
  const std::vector<char> bytes(65'536);
  for (;;) {
    if (::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT) >= 0) continue;
    if (errno != EAGAIN) break;
    seen.filled = 1;
    pollfd ready{.fd = fd, .events = POLLOUT, .revents = 0};
    while (::poll(&ready, 1, -1) != 1 || (ready.revents & (POLLOUT | POLLERR)) == 0) ::usleep(1'000);
    ++seen.polled;
  }
  seen.errors = errno;
}

outcome& shared_outcome() {
  void* const at =
      ::mmap(nullptr, sizeof(outcome), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) throw std::bad_alloc{};
  return *new (at) outcome{};
}

documents sever(pid_t pid, int fd, std::uint64_t inode, std::vector<std::string> more = {}) {
  std::vector<std::string> all{"sever", "--fd", fmt::format("{}", fd), "--inode", fmt::format("{}", inode)};
  for (auto& argument : identity_of(pid)) all.push_back(std::move(argument));
  all.insert(all.end(), more.begin(), more.end());
  return run(all);
}

TEST(sever, wakes_a_sender_on_tcp) {
  connection c;
  ASSERT_NO_FATAL_FAILURE(c.over_tcp());
  auto& seen = shared_outcome();
  evidence::child sender{[&] { fill_and_wait(c.near, seen); }};
  ASSERT_TRUE(eventually([&] { return seen.filled == 1; }));
  const auto d = sever(sender.pid(), c.near, inode_of(c.near));
  EXPECT_EQ(d.status, 0) << d.printed;
  EXPECT_TRUE(eventually([&] { return seen.errors == EPIPE; })) << seen.errors;
}

TEST(sever, wakes_a_sender_on_a_unix_socket_that_is_full) {
  if (::geteuid() != 0) GTEST_SKIP() << "SO_SNDBUFFORCE takes CAP_NET_ADMIN";
  connection c;
  ASSERT_NO_FATAL_FAILURE(c.over_unix());
  auto& seen = shared_outcome();
  evidence::child sender{[&] { fill_and_wait(c.near, seen); }};
  ASSERT_TRUE(eventually([&] { return seen.filled == 1; }));
  const auto d = sever(sender.pid(), c.near, inode_of(c.near));
  EXPECT_EQ(d.status, 0) << d.printed;
  EXPECT_THAT(d.printed, HasSubstr("its send buffer raised"));
  EXPECT_TRUE(eventually([&] { return seen.errors == EPIPE; })) << seen.errors;
}

TEST(sever, plans_without_touching) {
  connection c;
  ASSERT_NO_FATAL_FAILURE(c.over_tcp());
  evidence::child idle{[] {}};
  const auto d = sever(idle.pid(), c.near, inode_of(c.near), {"--plan"});
  EXPECT_TRUE(d.last.at("would").as_bool()) << d.printed;
  EXPECT_EQ(::send(c.far, "x", 1, MSG_NOSIGNAL), 1);
  char byte = 0;
  EXPECT_EQ(::recv(c.near, &byte, 1, 0), 1);
}

struct wrong_socket {
  std::string name, precondition;
  int (*choose)(const connection&);
  std::uint64_t off_by = 0;
};

void PrintTo(const wrong_socket& r, std::ostream* out) {
  *out << r.name;
}

class sever_of : public testing::TestWithParam<wrong_socket> {};

TEST_P(sever_of, what_is_not_meant_is_refused) {
  connection c;
  ASSERT_NO_FATAL_FAILURE(c.over_tcp());
  evidence::child idle{[] {}};
  const int fd = GetParam().choose(c);
  const auto d = sever(idle.pid(), fd, inode_of(fd) + GetParam().off_by);
  EXPECT_EQ(d.status, 1);
  EXPECT_EQ(d.failed(), GetParam().precondition) << d.printed;
  EXPECT_EQ(::send(c.near, "x", 1, MSG_NOSIGNAL), 1) << "it was shut down all the same";
}

INSTANTIATE_TEST_SUITE_P(
    refusals, sever_of,
    testing::Values(wrong_socket{"another_inode", "socket", [](const connection& c) { return c.near; }, 1},
                    wrong_socket{"a_file", "socket", [](const connection&) { return 0; }},
                    wrong_socket{"nothing", "socket", [](const connection&) { return 999; }},
                    wrong_socket{"a_listener", "connected", [](const connection& c) { return c.listener; }}),
    [](const auto& one) { return one.param.name; });

TEST(sever, leaves_a_unix_socket_alone_that_is_not_connected) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto buffer = [&] {
    int bytes = 0;
    socklen_t length = sizeof bytes;
    return ::getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, &length) == 0 ? bytes : -1;
  };
  const auto before = buffer();
  evidence::child idle{[] {}};
  const auto d = sever(idle.pid(), fd, inode_of(fd));
  EXPECT_EQ(d.failed(), "connected") << d.printed;
  EXPECT_EQ(buffer(), before);
  ::close(fd);
}

TEST(rights_to_sever, are_three) {
  const pid_t child = ::fork();
  if (child == 0) {
    inspect::keep_only_rights_to_sever();
    evidence::proc_reader files;
    const auto status = files.read(AT_FDCWD, "/proc/self/status");
    const auto at = status ? status->find("\nCapPrm:") : std::string_view::npos;
    if (at == std::string_view::npos) ::_exit(2);
    const auto held = std::stoull(std::string{status->substr(at + 8, 32)}, nullptr, 16);
    const auto bit = [](int capability) { return 1ull << capability; };
    ::_exit((held & ~(bit(CAP_SYS_PTRACE) | bit(CAP_DAC_READ_SEARCH) | bit(CAP_NET_ADMIN))) == 0 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(sever, refuses_datagrams) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  evidence::child idle{[] {}};
  EXPECT_EQ(sever(idle.pid(), fd, inode_of(fd)).failed(), "stream");
  ::close(fd);
}

}  // namespace
}  // namespace unwedge::rescue
