// From samples to a verdict: what kind it is.
#include "policies/judge.hpp"

#include "world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/syscall.h>

#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace unwedge::policies {
namespace {

using namespace fake;
using namespace std::chrono_literals;

TEST(judge, says_bql_held_by_the_migration_thread_that_polls_for_a_dead_nbd_node) {
  for (const std::string_view comm : {"live_migration", "mig/src/main"}) {
    const auto v = judged(seen_for_three_seconds(held_by_migration(comm)), mirroring());
    ASSERT_EQ(in_one_line(v), "bql-held block-node:tgt certain");
    EXPECT_EQ(v->holder->tid, migration_tid);
    EXPECT_EQ(v->holder->comm, comm);
    EXPECT_EQ(v->root->peer, nbd_server);
    EXPECT_EQ(v->root->silent_for, 8s);
    EXPECT_TRUE(v->root->job_target);
    EXPECT_TRUE(v->root->polled_by_waiter);
    EXPECT_EQ(v->since, at(0));
    EXPECT_EQ(v->at, at(3.0));
    EXPECT_THAT(v->reasons, testing::ElementsAre(
                                "qemu-system-x86 (tid 100) waits for the mutex at 0x560f77f62b40, "
                                "held by tid 200.",
                                std::string(comm) + " (tid 200) polls 2 file descriptors in a nested poll."));
  }
}

TEST(judge, says_bql_held_by_a_vcpu_that_drains) {
  auto facts = held_by_migration();
  thread_of(facts, vcpu_tid) = polling(thread(vcpu_tid, "CPU 0/KVM"), {event_fd, nbd_fd});
  thread_of(facts, main_tid) = waiting_for(thread(main_tid, "qemu-system-x86"), vcpu_tid);
  EXPECT_EQ(verdict_on(facts, mirroring()), "bql-held block-node:tgt certain");
}

TEST(judge, says_that_the_main_loop_waits_in_a_nested_poll) {
  const auto v = judged(seen_for_three_seconds(main_polls_nested()), mirroring());
  EXPECT_EQ(in_one_line(v), "main-loop-waits block-node:tgt certain");
  EXPECT_FALSE(v->holder);
}

TEST(judge, says_nothing_of_a_main_loop_in_its_own_poll) {
  auto facts = main_polls_nested();
  thread_of(facts, main_tid) = polling(thread(main_tid, "qemu-system-x86"), {signal_fd, event_fd, nbd_fd});
  EXPECT_EQ(verdict_on(facts, mirroring()), "no verdict");
}

TEST(judge, takes_no_poll_for_nested_where_it_could_not_tell) {
  const std::pair<const char*, std::function<void(process_facts&)>> cases[] = {
      {"no signalfd in the process", [](process_facts& f) { f.has_signalfd = false; }},
      {"a descriptor that could not be looked at may be it",
       [](process_facts& f) { thread_of(f, main_tid).polled_fds.push_back(77); }},
      {"the descriptors could not be listed", [](process_facts& f) { f.files.clear(); }},
      {"the polled array could not be read",
       [](process_facts& f) { thread_of(f, main_tid).polled_fds.clear(); }}};
  for (const auto& [why, change] : cases) {
    auto facts = main_polls_nested();
    change(facts);
    EXPECT_EQ(verdict_on(facts, mirroring()), "no verdict") << why;
  }
}

TEST(judge, says_that_the_main_loop_waits_in_a_blocking_call) {
  auto facts = idle_process();
  thread_of(facts, main_tid) = blocked_in(thread(main_tid, "qemu-system-x86"), SYS_sendmsg, nbd_fd);
  facts.sockets = {dead_connection(nbd_fd, nbd_server)};
  EXPECT_EQ(verdict_on(facts, mirroring()), "main-loop-waits block-node:tgt certain sending");
}

TEST(judge, says_stopped_and_traced) {
  auto stopped = held_by_migration();
  thread_of(stopped, main_tid).state = 'T';
  EXPECT_EQ(verdict_on(stopped, mirroring()), "stopped");
  auto traced = held_by_migration();
  traced.tracer = 4711;
  const auto v = judged(seen_for_three_seconds(traced), mirroring());
  EXPECT_EQ(in_one_line(v), "traced");
  EXPECT_EQ(v->reasons.front(), "Process 4711 traces it.");
  auto in_gdb = held_by_migration();
  thread_of(in_gdb, main_tid).state = 't';
  EXPECT_EQ(verdict_on(in_gdb, mirroring()), "traced");
}

TEST(judge, says_gone_at_once) {
  process_facts end;
  end.at = at(0.1);
  end.pid = main_tid;
  EXPECT_EQ(in_one_line(judged({end}, mirroring())), "gone");
}

TEST(judge, says_lock_cycle) {
  auto facts = held_by_migration();
  thread_of(facts, migration_tid) =
      waiting_for(thread(migration_tid, "live_migration"), iothread_tid, 0x8000);
  thread_of(facts, iothread_tid) = waiting_for(thread(iothread_tid, "IO io0"), migration_tid, 0x9000);
  const auto v = judged(seen_for_three_seconds(facts), mirroring());
  EXPECT_EQ(in_one_line(v), "lock-cycle");
  EXPECT_EQ(v->reasons.size(), 3u);
  auto self = held_by_migration();
  thread_of(self, main_tid) = waiting_for(thread(main_tid, "qemu-system-x86"), main_tid);
  EXPECT_EQ(verdict_on(self, mirroring()), "lock-cycle");
}

TEST(judge, follows_a_lock_behind_the_lock) {
  auto facts = held_by_migration();
  thread_of(facts, migration_tid) =
      waiting_for(thread(migration_tid, "live_migration"), iothread_tid, 0x8000);
  thread_of(facts, iothread_tid) = polling(thread(iothread_tid, "IO io0"), {event_fd, nbd_fd});
  const auto v = judged(seen_for_three_seconds(facts), mirroring());
  EXPECT_EQ(in_one_line(v), "bql-held block-node:tgt certain");
  EXPECT_EQ(v->holder->tid, migration_tid) << "the holder is the one of main's own lock";
}

TEST(judge, says_that_the_holder_sleeps_where_nothing_more_is_known) {
  auto facts = held_by_migration();
  thread_of(facts, migration_tid) = thread(migration_tid, "live_migration");
  EXPECT_EQ(verdict_on(facts, mirroring()), "bql-held thread:live_migration uncertain");
}

}  // namespace
}  // namespace unwedge::policies
