// Verdicts of a thread that is blocked on the migration stream, or on a connection that might be it.
#include "policies/judge.hpp"
#include "world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/syscall.h>

#include <string>
#include <string_view>
#include <utility>

namespace unwedge::policies {
namespace {

using namespace fake;

TEST(judge, knows_sending_on_the_migration_stream_from_receiving) {
  const std::pair<long, std::string_view> cases[] = {
      {SYS_sendmsg, "bql-held migration:migration certain sending"},
      {SYS_sendto, "bql-held migration:migration certain sending"},
      {SYS_write, "bql-held migration:migration certain sending"},
      {SYS_writev, "bql-held migration:migration certain sending"},
      {SYS_recvmsg, "bql-held migration:migration certain"},
      {SYS_recvfrom, "bql-held migration:migration certain"},
      {SYS_read, "bql-held migration:migration certain"},
      {SYS_connect, "bql-held migration:migration certain"},
      {SYS_shutdown, "bql-held migration:migration certain"}};
  for (const auto& [syscall, expected] : cases) {
    EXPECT_EQ(verdict_on(held_in_stream(syscall), migrating()), expected) << syscall;
    EXPECT_EQ(verdict_on(held_in_stream(syscall, "mig/src/main"), migrating()), expected) << syscall;
  }
}

TEST(judge, does_not_call_it_sending_when_the_peer_has_taken_all) {
  auto facts = held_in_stream(SYS_sendmsg);
  socket_of(facts, stream_fd).send_queue = 0;
  EXPECT_EQ(verdict_on(facts, migrating()), "bql-held migration:migration certain");
}

TEST(judge, is_not_certain_of_a_stream_on_which_bytes_move) {
  const auto samples = seen_changing(held_in_stream(SYS_sendmsg), [](process_facts& f, int i) {
    socket_of(f, stream_fd).bytes_acked += static_cast<std::uint64_t>(i) * 1'000;
  });
  EXPECT_EQ(in_one_line(judged(samples, migrating())), "bql-held migration:migration uncertain sending");
}

// A chardev, a vhost-user backend, an NBD server known by its host name: anything may block the main thread
// while a migration runs. Only a migration thread's connection is the stream.
TEST(judge, does_not_take_any_blocked_connection_for_the_migration_stream) {
  auto facts = idle_process();
  facts.sockets = {dead_connection(stream_fd, "10.0.0.9:49200")};
  for (const auto tid : {main_tid, vcpu_tid}) {
    auto& t = thread_of(facts, tid);
    t = blocked_in(thread(tid, t.comm), SYS_sendmsg, stream_fd);
    if (tid != main_tid) thread_of(facts, main_tid) = waiting_for(thread(main_tid, "qemu-system-x86"), tid);
    EXPECT_THAT(verdict_on(facts, migrating()), testing::EndsWith("socket: uncertain sending")) << tid;
  }
}

TEST(judge, guesses_the_stream_but_is_not_certain_when_threads_have_no_names) {
  const auto facts = held_in_stream(SYS_sendmsg, "qemu-system-x86");
  EXPECT_EQ(verdict_on(facts, migrating()), "bql-held migration:migration uncertain sending");
  EXPECT_EQ(verdict_on(facts, mirroring()), "bql-held socket: uncertain sending");
}

}  // namespace
}  // namespace unwedge::policies
