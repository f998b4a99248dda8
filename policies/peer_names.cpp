#include "policies/peer_names.hpp"

#include "policies/connections.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace unwedge::policies {
namespace {

std::string_view port_of(std::string_view peer) {
  const auto colon = peer.rfind(':');
  return colon == std::string_view::npos ? std::string_view() : peer.substr(colon);
}

bool is_named(const block_node& node) {
  const std::string_view peer = node.peer;
  if (node.driver != "nbd" || peer.empty() || peer.starts_with('/') || peer.starts_with('@') ||
      peer.starts_with('['))
    return false;
  in_addr address{};
  return ::inet_pton(AF_INET, std::string(peer.substr(0, peer.rfind(':'))).c_str(), &address) != 1;
}

/// The only one; null: there is none, or several.
const socket_facts* only_connection_to(std::string_view port, const vm_model& vm,
                                       const process_facts& facts) {
  const socket_facts* found = nullptr;
  for (const auto& s : facts.sockets) {
    const bool fits = s.kind == socket_facts::family::tcp && !s.listening && port_of(s.peer) == port &&
                      nodes_with_peer(vm, s.peer).empty();
    if (!fits) continue;
    if (found != nullptr) return nullptr;
    found = &s;
  }
  return found;
}

}  // namespace

void tell_named_peers(vm_model& vm, const process_facts& facts) {
  for (auto& [name, node] : vm.nodes) {
    if (!is_named(node)) continue;
    const auto port = port_of(node.peer);
    const auto same = std::ranges::count_if(
        vm.nodes, [&](const auto& n) { return is_named(n.second) && port_of(n.second.peer) == port; });
    const auto* connection = same == 1 ? only_connection_to(port, vm, facts) : nullptr;
    if (connection != nullptr) node.peer = connection->peer;
  }
}

}  // namespace unwedge::policies
