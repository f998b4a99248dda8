// Clients that misbehave, against the bus server.
#include "tests/unit/surface/bus_fixture.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace unwedge::tests {
namespace {

using namespace std::literals;

TEST(hostile_bus_client, of_another_user_is_refused_even_if_the_socket_lets_it_in) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  bus_fixture bus;
  ASSERT_EQ(::chmod(bus.path().c_str(), 0666), 0);
  pid_t const child = ::fork();
  if (child == 0) {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(2);
    int const fd = connect_raw(bus.path());
    ::_exit(fd >= 0 && closes_within(fd, 5s) ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(bus.reported("refused: uid 65534"));
  EXPECT_TRUE(bus.connect().call("Echo", "the owner is served"));
}

TEST(hostile_bus_client, that_sends_garbage_is_dropped) {
  bus_fixture bus({.path = {}, .authenticate_in = 300ms});
  for (std::string_view const bytes :
       {"\0GARBAGE GARBAGE\r\n"sv, "GET / HTTP/1.1\r\n\r\n"sv, "\0AUTH EXTERNAL zz\r\n"sv,
        "\0AUTH EXTERNAL 30\r\nBEGIN\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"sv}) {
    int const fd = connect_raw(bus.path());
    ASSERT_GE(fd, 0);
    ASSERT_EQ(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
    EXPECT_TRUE(closes_within(fd, 7s)) << bytes;
    ::close(fd);
  }
  EXPECT_TRUE(bus.connect().call("Echo", "others are served"));
}

TEST(hostile_bus_client, that_says_nothing_is_dropped) {
  bus_fixture bus({.path = {}, .authenticate_in = 200ms});
  int const fd = connect_raw(bus.path());
  EXPECT_TRUE(closes_within(fd, 5s));
  EXPECT_TRUE(bus.reported("did not authenticate within 200 ms"));
  ::close(fd);
}

/// Authenticates by hand and subscribes, then never reads again.
int deaf_subscriber(const std::filesystem::path& path) {
  int const fd = connect_raw(path);
  std::string_view const hello = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n"sv;
  // A method call "Subscribe" in D-Bus's wire format: header, then fields path, interface, member.
  std::string call("l\1\0\1\0\0\0\0\1\0\0\0\0\0\0\0"sv);
  auto const field = [&call](char code, char type, std::string_view value) {
    while (call.size() % 8 != 0) call += '\0';
    call += {code, '\1', type, '\0', static_cast<char>(value.size()), '\0', '\0', '\0'};
    call.append(value);
    call += '\0';
  };
  field(1, 'o', "/org/unwedge/Daemon1");
  field(2, 's', "org.unwedge.Daemon1");
  field(3, 's', "Subscribe");
  call[12] = static_cast<char>(call.size() - 16);
  while (call.size() % 8 != 0) call += '\0';
  ::send(fd, hello.data(), hello.size(), MSG_NOSIGNAL);
  ::send(fd, call.data(), call.size(), MSG_NOSIGNAL);
  return fd;
}

TEST(hostile_bus_client, that_never_reads_is_dropped_when_too_much_waits) {
  bus_fixture bus({.path = {}, .max_unsent_bytes = 1u << 20});
  int const fd = deaf_subscriber(bus.path());
  ASSERT_TRUE(bus.reaches(1));
  auto reader = bus.connect();
  std::string const event(10'000, 'e');
  for (int i = 0; i < 2'000 && bus.clients() == 2; ++i) bus.emit(event);
  EXPECT_TRUE(bus.reported("does not read"));
  EXPECT_TRUE(bus.reaches(1));
  EXPECT_TRUE(reader.call("Echo", "others are served"));
  ::close(fd);
}

TEST(hostile_bus_client, that_never_reads_is_dropped_after_a_while) {
  bus_fixture bus({.path = {}, .unread_for = 300ms});
  int const fd = deaf_subscriber(bus.path());
  ASSERT_TRUE(bus.reaches(1));
  std::this_thread::sleep_for(50ms);
  for (int i = 0; i < 2'000; ++i) bus.emit(std::string(10'000, 'e'));  // the socket itself takes 8 MiB
  EXPECT_TRUE(bus.reported("its socket was full for 300 ms"));
  EXPECT_TRUE(bus.reaches(0));
  ::close(fd);
}

TEST(hostile_bus_client, cannot_pile_up_calls) {
  bus_fixture bus({.path = {}, .max_calls = 4});
  auto client = systemd::bus_client::connect(bus.path(), 50ms);
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(client->call("Never", "").error().code, systemd::call_errc::timed_out);
  EXPECT_EQ(client->call("Echo", "").error().text, "too many unanswered calls on this connection");
  EXPECT_TRUE(bus.connect().call("Echo", "others are served"));
}

TEST(hostile_bus_client, number_33_is_refused_and_the_others_are_served) {
  bus_fixture bus;
  std::atomic<int> served = 0;
  std::atomic<int> refused = 0;
  std::atomic<bool> leave = false;
  {
    std::vector<std::jthread> clients;
    for (int i = 0; i < 40; ++i) {
      clients.emplace_back([&] {
        auto client = systemd::bus_client::connect(bus.path());
        bool const ok = client && client->call("Echo", "x");
        ++(ok ? served : refused);
        while (!leave) std::this_thread::sleep_for(1ms);
      });
    }
    while (served + refused < 40) std::this_thread::sleep_for(1ms);
    leave = true;
  }
  EXPECT_EQ(served, 32);
  EXPECT_EQ(refused, 8);
  EXPECT_TRUE(bus.reported("32 are connected already"));
  EXPECT_TRUE(bus.reaches(0));
  EXPECT_TRUE(bus.connect().call("Echo", "there is room again"));
}

}  // namespace
}  // namespace unwedge::tests
