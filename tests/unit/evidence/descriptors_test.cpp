// What a sample says of descriptors: what a thread polls or blocks on, and how its connections stand.
#include "tests/unit/evidence/child.hpp"
#include "tests/unit/evidence/connection.hpp"

#include <gmock/gmock.h>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>

namespace unwedge::evidence {
namespace {

using policies::file_facts;
using policies::socket_facts;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

int signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGUSR1);
  return ::signalfd(-1, &set, SFD_CLOEXEC);
}

TEST(poll, shows_its_socket_eventfd_and_signalfd) {
  connection c;
  const file_descriptor event{::eventfd(0, EFD_CLOEXEC)}, signal{signals()};
  child waiter{[&] {
    pollfd fds[] = {
        {c.client.get(), POLLIN, 0}, {-1, POLLIN, 0}, {event.get(), POLLIN, 0}, {signal.get(), POLLIN, 0}};
    ::ppoll(fds, 4, nullptr, nullptr);
  }};
  const auto facts = sample_blocked_in(hold(waiter.pid()), SYS_ppoll);
  EXPECT_THAT(facts.threads.at(0).polled_fds, ElementsAre(c.client.get(), event.get(), signal.get()));
  EXPECT_TRUE(facts.has_signalfd);
  ASSERT_TRUE(file_of(facts, event.get()));
  EXPECT_EQ(file_of(facts, event.get())->what, file_facts::kind::eventfd);
  EXPECT_EQ(file_of(facts, signal.get())->what, file_facts::kind::signalfd);
  const auto* socket = socket_of(facts, c.client.get());
  ASSERT_TRUE(socket);
  EXPECT_EQ(socket->kind, socket_facts::family::tcp);
  EXPECT_TRUE(socket->peer_tcp_established);
  EXPECT_EQ(socket->local, c.client_text);
  EXPECT_EQ(socket->peer, c.server_text);
  EXPECT_EQ(socket->send_queue, 0u);
  const auto* listener = socket_of(facts, c.listener.get());
  ASSERT_TRUE(listener) << "every TCP socket counts, polled or not";
  EXPECT_TRUE(listener->listening);
  EXPECT_EQ(listener->local, c.server_text);
  EXPECT_THAT(facts.missing, IsEmpty());
}

TEST(poll, of_an_epoll_instance_shows_what_it_watches) {
  connection c;
  child waiter{[&] {
    const int epoll = ::epoll_create1(0);
    epoll_event event{.events = EPOLLIN, .data = {}};
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, c.client.get(), &event);
    pollfd fds[] = {{epoll, POLLIN, 0}};
    ::ppoll(fds, 1, nullptr, nullptr);
  }};
  const auto facts = sample_blocked_in(hold(waiter.pid()), SYS_ppoll);
  EXPECT_THAT(facts.threads.at(0).polled_fds, Contains(c.client.get()));
  child direct{[&] {
    const int epoll = ::epoll_create1(0);
    epoll_event event{.events = EPOLLIN, .data = {}};
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, c.client.get(), &event);
    ::epoll_pwait(epoll, &event, 1, -1, nullptr);
  }};
  const auto second = sample_blocked_in(hold(direct.pid()), SYS_epoll_pwait);
  EXPECT_THAT(second.threads.at(0).polled_fds, Contains(c.client.get()));
}

TEST(poll, of_memory_that_is_not_there_is_missing_evidence) {
  child waiter{[] {
    void* const page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    static pollfd* const fds = new (page) pollfd{.fd = ::eventfd(0, 0), .events = POLLIN, .revents = 0};
    std::thread{[] {
      for (;;) {  // until the main thread is in its ppoll, which reads the page only once
        ::usleep(50'000);
        ::madvise(fds, 4096, MADV_DONTNEED);
      }
    }}.detach();
    ::ppoll(fds, 1, nullptr, nullptr);
  }};
  const auto facts = sample_until(hold(waiter.pid()), [](const auto& f) { return !f.missing.empty(); });
  EXPECT_THAT(facts.missing, ElementsAre("polled descriptors of thread " + std::to_string(waiter.pid()) +
                                         ": not in memory"));
}

TEST(poll, of_too_many_descriptors_is_cut_and_says_so) {
  child waiter{[] {
    ::rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < 3000) files.rlim_cur = std::min<rlim_t>(3000, files.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &files);
    std::vector<pollfd> fds(2000, {.fd = ::eventfd(0, 0), .events = POLLIN, .revents = 0});
    ::ppoll(fds.data(), fds.size(), nullptr, nullptr);
  }};
  const auto facts = sample_blocked_in(hold(waiter.pid()), SYS_ppoll);
  EXPECT_EQ(facts.threads.at(0).polled_fds.size(), 1024u);
  EXPECT_THAT(facts.missing, ElementsAre(HasSubstr("only the first 1024 read")));
  EXPECT_EQ(facts.files.size(), 1u);
}

// Sends until the connection takes no more, then blocks in sendmsg.
void send_for_ever(int fd) {
  static char data[65536];
  iovec piece{data, sizeof data};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  while (::sendmsg(fd, &message, MSG_NOSIGNAL) > 0) {
  }
}

TEST(connection, that_takes_no_more_shows_its_queue) {
  connection c;
  child sender{[&] { send_for_ever(c.client.get()); }};
  const auto held = hold(sender.pid());
  std::uint64_t before = 0;
  const auto facts = sample_until(held, [&](const auto& f) {
    const auto* socket = socket_of(f, c.client.get());
    const auto full =
        socket && socket->send_queue > 0 && socket->send_queue == before && f.threads[0].sleeping;
    before = socket ? socket->send_queue : 0;
    return full;
  });
  EXPECT_EQ(facts.threads.at(0).io_fd, c.client.get());
  const auto* socket = socket_of(facts, c.client.get());
  ASSERT_TRUE(socket);
  EXPECT_GT(socket->send_queue, 0u);
  EXPECT_GT(socket->bytes_acked, 0u);
  const auto* other_end = socket_of(facts, c.server.get());
  ASSERT_TRUE(other_end);
  EXPECT_GT(other_end->receive_queue, 0u);
  EXPECT_GT(other_end->bytes_received, 0u);
}

TEST(connection, over_a_unix_socket_shows_its_queue_too) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const file_descriptor ours{ends[0]}, theirs{ends[1]};
  child sender{[&] { send_for_ever(theirs.get()); }};
  const auto facts = sample_blocked_in(hold(sender.pid()), SYS_sendmsg);
  EXPECT_EQ(facts.threads.at(0).io_fd, theirs.get());
  const auto* socket = socket_of(facts, theirs.get());
  ASSERT_TRUE(socket);
  EXPECT_EQ(socket->kind, socket_facts::family::unix_stream);
  EXPECT_GT(socket->send_queue, 0u);
  EXPECT_EQ(socket_of(facts, ours.get()), nullptr) << "neither TCP nor waited on";
}

TEST(connection, is_left_open_by_the_look_at_it) {
  connection c;
  child idle{[] {}};
  const auto held = hold(idle.pid());
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(socket_of(sample_now(held), c.client.get()));
  EXPECT_EQ(::send(c.client.get(), "x", 1, MSG_NOSIGNAL), 1);
  char byte = 0;
  EXPECT_EQ(::recv(c.server.get(), &byte, 1, 0), 1);
}

TEST(sockets, beyond_the_limit_are_missing_evidence) {
  connection c;
  child many{[&] {
    for (int i = 0; i < 300; ++i)
      if (::socket(AF_UNIX, SOCK_STREAM, 0) < 0) ::_exit(1);
    char byte;
    ::recv(c.client.get(), &byte, 1, 0);
  }};
  const auto facts = sample_blocked_in(hold(many.pid()), SYS_recvfrom);
  EXPECT_TRUE(socket_of(facts, c.client.get())) << "the one that is waited on comes first";
  EXPECT_THAT(facts.missing, Contains(HasSubstr("sockets: only 256 of 3")));
}

}  // namespace
}  // namespace unwedge::evidence
