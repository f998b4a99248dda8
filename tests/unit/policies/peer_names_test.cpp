// Nodes whose server has a host name, and the connections that they may have.
#include "policies/peer_names.hpp"

#include "documents.hpp"
#include "world.hpp"

#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

using namespace fake;

class named_peers : public testing::Test {
 protected:
  void connect(int fd, std::string_view peer) { facts_.sockets.push_back(idle_connection(fd, peer)); }
  std::string peer_of(const std::string& node) {
    tell_named_peers(vm_, facts_);
    return vm_.nodes[node].peer;
  }

  vm_model vm_;
  process_facts facts_ = idle_process();
};

TEST_F(named_peers, the_only_connection_to_the_port_is_the_nodes) {
  add_nbd_node(vm_, "tgt", "store7:10809", true);
  connect(20, "10.0.0.7:10809");
  connect(21, "10.0.0.7:3260");
  EXPECT_EQ(peer_of("tgt"), "10.0.0.7:10809");
}

TEST_F(named_peers, a_connection_of_a_node_with_an_address_is_not_taken) {
  add_nbd_node(vm_, "disk", "10.0.0.5:10809", false);
  add_nbd_node(vm_, "tgt", "store7:10809", true);
  connect(20, "10.0.0.5:10809");
  EXPECT_EQ(peer_of("tgt"), "store7:10809") << "it has none yet";
  connect(21, "[fd00::7]:10809");
  EXPECT_EQ(peer_of("tgt"), "[fd00::7]:10809");
}

TEST_F(named_peers, several_that_could_be_are_left_alone) {
  add_nbd_node(vm_, "tgt", "store7:10809", true);
  connect(20, "10.0.0.7:10809");
  connect(21, "10.0.0.8:10809");
  EXPECT_EQ(peer_of("tgt"), "store7:10809");
  facts_.sockets.pop_back();
  add_nbd_node(vm_, "two", "store8:10809", true);
  EXPECT_EQ(peer_of("tgt"), "store7:10809") << "two nodes, one connection";
}

TEST_F(named_peers, addresses_and_paths_are_no_names) {
  for (const std::string peer : {"10.0.0.7:10809", "[::1]:10809", "/run/nbd.sock", "@nbd"}) {
    vm_.nodes.clear();
    add_nbd_node(vm_, "tgt", peer, true);
    facts_.sockets.clear();
    connect(20, "10.9.9.9:10809");
    EXPECT_EQ(peer_of("tgt"), peer);
  }
}

TEST_F(named_peers, a_listening_socket_is_no_connection) {
  add_nbd_node(vm_, "tgt", "store7:10809", true);
  connect(20, "10.0.0.7:10809");
  facts_.sockets.back().listening = true;
  EXPECT_EQ(peer_of("tgt"), "store7:10809");
}

TEST_F(named_peers, another_list_of_the_nodes_keeps_what_was_told) {
  const auto list =
      boost::json::parse(R"([{"node-name": "tgt", "drv": "nbd", "file": "nbd://store7:10809/disk"}])");
  apply_reply(vm_, query::block_nodes, list, at(0));
  connect(20, "10.0.0.7:10809");
  EXPECT_EQ(peer_of("tgt"), "10.0.0.7:10809");
  apply_reply(vm_, query::block_nodes, list, at(1));
  EXPECT_EQ(vm_.nodes["tgt"].peer, "10.0.0.7:10809");
  const auto moved =
      boost::json::parse(R"([{"node-name": "tgt", "drv": "nbd", "file": "nbd://store8:10809/disk"}])");
  apply_reply(vm_, query::block_nodes, moved, at(2));
  EXPECT_EQ(vm_.nodes["tgt"].peer, "store8:10809");
}

}  // namespace
}  // namespace unwedge::policies
