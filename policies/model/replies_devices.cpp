// Of query-chardev, query-named-block-nodes and query-yank (qapi/{char,block-core,yank}.json).
#include "policies/model/limits.hpp"
#include "policies/model/replies.hpp"
#include "policies/nbd_address.hpp"
#include "qmp/json_fields.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace unwedge::policies {
namespace {

using qmp::text;
using qmp::json::array;

/// "unix:PATH,server=on", "tcp:HOST:PORT,server=on <-> HOST:PORT"; before that "disconnected:" while nobody
/// is at the other end (qemu_chr_compute_filename in chardev/char-socket.c).
std::optional<chardev> socket_chardev(std::string_view filename) {
  constexpr std::string_view none = "disconnected:", to = " <-> ";
  if (filename.starts_with(none)) filename.remove_prefix(none.size());
  const bool unix_socket = filename.starts_with("unix:");
  if (!unix_socket && !filename.starts_with("tcp:") && !filename.starts_with("telnet:")) return std::nullopt;
  filename.remove_prefix(filename.find(':') + 1);
  chardev out;
  if (const auto at = filename.find(to); at != filename.npos) {
    out.peer = kept(filename.substr(at + to.size()));
    filename = filename.substr(0, at);
  }
  if (const auto options = filename.rfind(",server="); options != filename.npos)
    filename = filename.substr(0, options);
  out.local = kept(filename);
  return out;
}

}  // namespace

/// libvirt calls its monitor's chardev so; "disconnected:" says that nobody is at the other end.
void apply_chardevs(vm_model& vm, const array& list) {
  constexpr std::size_t max_chardevs = 256;
  vm.chardevs.clear();
  for (const auto& entry : list) {
    const auto* o = entry.if_object();
    if (o == nullptr || vm.chardevs.size() >= max_chardevs) continue;
    if (auto c = socket_chardev(text(*o, "filename"))) vm.chardevs[kept(text(*o, "label"))] = std::move(*c);
  }
  vm.libvirt = std::ranges::any_of(list, [](const auto& entry) {
    const auto* o = entry.if_object();
    return o != nullptr && text(*o, "label") == "charmonitor" &&
           !text(*o, "filename").starts_with("disconnected:");
  });
}

void apply_nodes(vm_model& vm, const array& list) {
  std::map<std::string, block_node, std::less<>> nodes;
  for (const auto& entry : list) {
    const auto* o = entry.if_object();
    if (o == nullptr || nodes.size() >= max_nodes) continue;
    const auto name = text(*o, "node-name");
    const auto driver = text(*o, "drv");
    if (name.empty()) continue;
    const auto before = vm.nodes.find(name);
    block_node node{.driver = kept(driver), .server = driver == "nbd" ? nbd_peer(text(*o, "file")) : ""};
    node.peer = node.server;
    if (before != vm.nodes.end()) {
      node.job_target = before->second.job_target;
      node.of_guest = before->second.of_guest;
      node.target_of = before->second.target_of;
      if (before->second.server == node.server) node.peer = before->second.peer;
    }
    nodes[kept(name)] = std::move(node);
  }
  vm.nodes = std::move(nodes);
}

void apply_yank(vm_model& vm, const array& list) {
  yank_instances seen;
  for (const auto& entry : list) {
    const auto* o = entry.if_object();
    if (o == nullptr) continue;
    const auto type = text(*o, "type");
    if (type == "migration") seen.migration = true;
    if (type == "block-node" && seen.block_nodes.size() < max_nodes) {
      seen.block_nodes.push_back(kept(text(*o, "node-name")));
    }
  }
  vm.yankable = std::move(seen);
}

}  // namespace unwedge::policies
