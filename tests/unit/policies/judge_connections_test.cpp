// Which connection of a block node a wait ends at, and when that is certain.
#include "policies/judge.hpp"
#include "world.hpp"

#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

using namespace fake;
using namespace std::chrono_literals;

TEST(judge, tells_of_an_iothread_that_polls_the_dead_connection) {
  auto facts = held_by_migration();
  thread_of(facts, migration_tid) = polling(thread(migration_tid, "live_migration"), {event_fd});
  thread_of(facts, iothread_tid) = polling(thread(iothread_tid, "IO io0"), {event_fd, nbd_fd});
  const auto v = judged(seen_for_three_seconds(facts), mirroring());
  ASSERT_EQ(in_one_line(v), "bql-held block-node:tgt(polled elsewhere) certain");
  EXPECT_EQ(v->reasons.back(), "The connection to 10.0.0.7:10809 is polled by another thread (iothread).");
}

struct two_nodes {
  const char* what;
  socket_facts first, second;
  const char* second_peer;
  bool first_is_target, second_is_target;
  const char* expected;
};

TEST(judge, tells_two_nodes_apart_or_is_not_certain) {
  const auto same = nbd_server;
  const auto other = other_server;
  const two_nodes cases[] = {
      {"both dead targets, two servers", dead_connection(nbd_fd, same), dead_connection(other_nbd_fd, other),
       other.data(), true, true, "bql-held block-node:tgt block-node:two certain"},
      {"a dead target, a healthy idle disk", dead_connection(nbd_fd, same),
       idle_connection(other_nbd_fd, other), other.data(), true, false, "bql-held block-node:tgt certain"},
      {"an unanswered target, a healthy idle disk", unanswered_connection(nbd_fd, same),
       idle_connection(other_nbd_fd, other), other.data(), true, false, "bql-held block-node:tgt certain"},
      {"a healthy idle target, a dead disk", idle_connection(nbd_fd, same),
       dead_connection(other_nbd_fd, other), other.data(), true, false, "bql-held block-node:two certain"},
      {"a healthy idle target, an unanswered disk", idle_connection(nbd_fd, same),
       unanswered_connection(other_nbd_fd, other), other.data(), true, false,
       "bql-held block-node:two certain"},
      {"both dead, one a disk", dead_connection(nbd_fd, same), dead_connection(other_nbd_fd, other),
       other.data(), true, false, "bql-held block-node:tgt block-node:two certain"},
      {"both idle", idle_connection(nbd_fd, same), idle_connection(other_nbd_fd, other), other.data(), true,
       true, "bql-held block-node:tgt block-node:two uncertain"},
      {"one server, both dead targets", dead_connection(nbd_fd, same), dead_connection(other_nbd_fd, same),
       same.data(), true, true, "bql-held block-node:tgt block-node:two certain"},
      {"one server, both dead, one a disk", dead_connection(nbd_fd, same),
       dead_connection(other_nbd_fd, same), same.data(), true, false,
       "bql-held block-node:tgt block-node:two uncertain"},
      {"one server, one dead: whose connection?", dead_connection(nbd_fd, same),
       idle_connection(other_nbd_fd, same), same.data(), true, true,
       "bql-held block-node:tgt block-node:two uncertain"}};
  for (const auto& c : cases) {
    auto facts = held_by_migration();
    facts.sockets = {c.first, c.second};
    thread_of(facts, migration_tid) =
        polling(thread(migration_tid, "live_migration"), {event_fd, nbd_fd, other_nbd_fd});
    auto vm = mirroring();
    vm.jobs["m0"].status = "ready";  // idle: only the connections tell
    vm.nodes["tgt"].job_target = c.first_is_target;
    add_nbd_node(vm, "two", c.second_peer, c.second_is_target);
    EXPECT_EQ(verdict_on(facts, vm), c.expected) << c.what;
  }
}

// The waiter polls a healthy READY mirror, and waits for a dead one in an iothread.
TEST(judge, does_not_take_the_idle_mirror_at_hand_for_the_dead_one_in_an_iothread) {
  auto facts = held_by_migration();
  facts.sockets = {dead_connection(nbd_fd, nbd_server), idle_connection(other_nbd_fd, other_server)};
  thread_of(facts, migration_tid) =
      polling(thread(migration_tid, "live_migration"), {event_fd, other_nbd_fd});
  thread_of(facts, iothread_tid) = polling(thread(iothread_tid, "IO io0"), {event_fd, nbd_fd});
  auto vm = mirroring();
  add_nbd_node(vm, "ready", other_server, true);
  EXPECT_EQ(verdict_on(facts, vm), "bql-held block-node:tgt(polled elsewhere) certain");
}

// For example a drain that waits for a local disk, beside a READY mirror over an idle guest.
TEST(judge, is_never_certain_of_a_connection_over_which_nothing_is_owed) {
  auto facts = held_by_migration();
  facts.sockets = {idle_connection(nbd_fd, nbd_server)};
  auto vm = mirroring();
  vm.jobs["m0"].status = "ready";
  EXPECT_EQ(verdict_on(facts, vm), "bql-held block-node:tgt uncertain");
  socket_of(facts, nbd_fd).last_sent = std::nullopt;
  EXPECT_EQ(verdict_on(facts, vm), "bql-held block-node:tgt uncertain");
  socket_of(facts, nbd_fd).last_sent = socket_of(facts, nbd_fd).last_received;
  EXPECT_EQ(verdict_on(facts, vm), "bql-held block-node:tgt uncertain");
  socket_of(facts, nbd_fd).last_sent = socket_of(facts, nbd_fd).last_received + 1ms;
  EXPECT_EQ(verdict_on(facts, vm), "bql-held block-node:tgt uncertain");
}

// As the lab saw it, once in a hundred: the last of sixteen requests went out in the same tick as an answer
// came, and the server took all of them before it froze.
TEST(judge, believes_a_job_that_has_not_paused_for_the_drain) {
  auto facts = held_by_migration();
  facts.sockets = {idle_connection(nbd_fd, nbd_server)};
  const auto with = [&](auto change) {
    auto vm = mirroring();
    change(vm);
    return verdict_on(facts, vm);
  };
  const char* const certain = "bql-held block-node:tgt certain";
  const char* const uncertain = "bql-held block-node:tgt uncertain";
  EXPECT_EQ(with([](vm_model&) {}), certain);
  for (const auto* status : {"paused", "ready", "standby", "aborting", "concluded"})
    EXPECT_EQ(with([&](vm_model& vm) { vm.jobs["m0"].status = status; }), uncertain) << status;
  EXPECT_EQ(with([](vm_model& vm) { vm.jobs["m0"].offset = vm.jobs["m0"].len; }), uncertain);
  EXPECT_EQ(with([](vm_model& vm) { vm.jobs.clear(); }), uncertain);
  EXPECT_EQ(with([](vm_model& vm) { vm.nodes["tgt"].job_target = false; }), uncertain);
  EXPECT_EQ(with([](vm_model& vm) { vm.monitor.ready = false; }), uncertain) << "who tells of its pausing?";
}

TEST(judge, is_not_certain_when_a_connection_of_no_known_node_is_stuck_as_well) {
  auto facts = held_by_migration();
  facts.sockets.push_back(dead_connection(other_nbd_fd, "10.0.0.99:4444"));
  thread_of(facts, migration_tid) =
      polling(thread(migration_tid, "live_migration"), {event_fd, nbd_fd, other_nbd_fd});
  EXPECT_EQ(verdict_on(facts, mirroring()), "bql-held block-node:tgt uncertain");
}

TEST(judge, finds_no_root_where_no_connection_explains_the_wait) {
  auto moving = seen_changing(held_by_migration(), [](process_facts& f, int i) {
    socket_of(f, nbd_fd).bytes_acked += static_cast<std::uint64_t>(i);
  });
  EXPECT_EQ(in_one_line(judged(moving, mirroring())), "bql-held thread:live_migration uncertain");
  auto unknown_peer = mirroring();
  unknown_peer.nodes["tgt"].peer = "storage.example:10809";
  EXPECT_EQ(verdict_on(held_by_migration(), unknown_peer), "bql-held socket: uncertain");
  auto unpolled = held_by_migration();
  thread_of(unpolled, migration_tid) = polling(thread(migration_tid, "live_migration"), {event_fd});
  EXPECT_EQ(verdict_on(unpolled, mirroring()), "bql-held thread:live_migration uncertain");
}

}  // namespace
}  // namespace unwedge::policies
