#include "policies/connections.hpp"

#include "world.hpp"

#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

using namespace fake;
using namespace std::chrono_literals;

TEST(silence, is_broken_by_anything_that_moves) {
  const std::pair<const char*, std::function<void(socket_facts&)>> moves[] = {
      {"acked", [](socket_facts& s) { ++s.bytes_acked; }},
      {"received", [](socket_facts& s) { ++s.bytes_received; }},
      {"send queue", [](socket_facts& s) { --s.send_queue; }},
      {"receive queue", [](socket_facts& s) { ++s.receive_queue; }},
      {"another connection on that descriptor", [](socket_facts& s) { ++s.inode; }}};
  const auto still = seen_for_three_seconds(held_by_migration());
  EXPECT_EQ(silence(still, still.back().sockets.front()), 8s);
  for (const auto& [what, move] : moves) {
    auto samples = still;
    move(socket_of(samples[2], nbd_fd));
    EXPECT_EQ(silence(samples, samples.back().sockets.front()), std::nullopt) << what;
  }
  auto young = still;
  young.front().sockets.clear();
  EXPECT_EQ(silence(young, young.back().sockets.front()), std::nullopt) << "not there in the first sample";
}

TEST(silence, of_a_unix_socket_lasts_as_long_as_it_was_looked_at) {
  auto facts = held_by_migration();
  socket_of(facts, nbd_fd).kind = socket_facts::family::unix_stream;
  const auto samples = seen_for_three_seconds(facts);
  EXPECT_EQ(silence(samples, samples.back().sockets.front()), 2s);
}

TEST(nodes_with_peer, are_nbd_nodes_of_exactly_this_address) {
  auto vm = mirroring();
  add_nbd_node(vm, "second", nbd_server, false);
  vm.nodes["file"] = {.driver = "file", .peer = std::string(nbd_server), .target_of = {}};
  vm.nodes["unnamed"] = {.driver = "nbd", .peer = "", .target_of = {}};
  EXPECT_EQ(nodes_with_peer(vm, std::string(nbd_server)), (std::vector<std::string>{"second", "tgt"}));
  EXPECT_TRUE(nodes_with_peer(vm, "10.0.0.7:1080").empty());
  EXPECT_TRUE(nodes_with_peer(vm, "").empty());
}

TEST(find_polled_roots, leaves_out_what_nobody_polls_and_what_listens) {
  auto facts = held_by_migration();
  socket_of(facts, nbd_fd).listening = true;
  EXPECT_TRUE(find_polled_roots(seen_for_three_seconds(facts), thread_of(facts, migration_tid), mirroring())
                  .roots.empty());
  facts = held_by_migration();
  thread_of(facts, migration_tid).polled_fds = {event_fd};
  EXPECT_TRUE(find_polled_roots(seen_for_three_seconds(facts), thread_of(facts, migration_tid), mirroring())
                  .roots.empty());
  facts = held_by_migration();
  socket_of(facts, nbd_fd).peer.clear();
  EXPECT_TRUE(find_polled_roots(seen_for_three_seconds(facts), thread_of(facts, migration_tid), mirroring())
                  .roots.empty());
}

TEST(find_polled_roots, names_job_targets_first) {
  auto facts = held_by_migration();
  facts.sockets = {dead_connection(other_nbd_fd, other_server), dead_connection(nbd_fd, nbd_server)};
  thread_of(facts, migration_tid).polled_fds = {other_nbd_fd, nbd_fd};
  auto vm = mirroring();
  add_nbd_node(vm, "a-disk", other_server, false);
  const auto found = find_polled_roots(seen_for_three_seconds(facts), thread_of(facts, migration_tid), vm);
  ASSERT_EQ(found.roots.size(), 2u);
  EXPECT_EQ(found.roots[0].name, "tgt");
  EXPECT_EQ(found.roots[1].name, "a-disk");
}

// An old connection of the same node, or a server that something else in the process talks to as well.
TEST(find_polled_roots, is_not_certain_with_two_connections_and_one_node) {
  auto facts = held_by_migration();
  facts.sockets.push_back(dead_connection(other_nbd_fd, nbd_server));
  const auto found =
      find_polled_roots(seen_for_three_seconds(facts), thread_of(facts, migration_tid), mirroring());
  EXPECT_EQ(found.roots.size(), 1u);
  EXPECT_FALSE(found.certain);
  thread_of(facts, migration_tid).polled_fds.push_back(other_nbd_fd);
  EXPECT_FALSE(
      find_polled_roots(seen_for_three_seconds(facts), thread_of(facts, migration_tid), mirroring()).certain)
      << "nor if both are dead and polled";
}

TEST(find_polled_roots, believes_a_unix_socket_only_with_bytes_that_are_not_taken) {
  auto facts = held_by_migration();
  auto vm = mirroring();
  vm.nodes["tgt"].peer = socket_of(facts, nbd_fd).peer = "/run/nbd.sock";
  socket_of(facts, nbd_fd).kind = socket_facts::family::unix_stream;
  EXPECT_TRUE(find_polled_roots(seen_for_three_seconds(facts), thread_of(facts, migration_tid), vm).certain);
  socket_of(facts, nbd_fd).send_queue = socket_of(facts, nbd_fd).unacked = 0;
  vm.jobs["m0"].status = "ready";
  EXPECT_FALSE(find_polled_roots(seen_for_three_seconds(facts), thread_of(facts, migration_tid), vm).certain);
}

}  // namespace
}  // namespace unwedge::policies
