#include "policies/remedies/grounds.hpp"
#include "policies/remedies/remedies.hpp"
#include "qmp/printable.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace unwedge::policies {
namespace {

constexpr const char* no_oob = "The monitor has no out-of-band channel.";

plan yank(boost::json::array instances) {
  step s{.action = "yank", .arguments = {}};
  s.arguments["instances"] = std::move(instances);
  return {{std::move(s)}, ""};
}

/// A plain yank saves the VM only where the waiting thread itself polls the dead connection: with the job in
/// an iothread it makes QEMU abort (job_set_aio_context, qemu-facts 8.2).
plan yank_nodes(const verdict& v, const vm_model& vm) {
  boost::json::array instances;
  for (const auto* r : roots_of(v)) {
    if (auto why = against_cutting_copy(*r, vm); !why.empty()) return no_remedy(std::move(why));
    if (job_in_iothread(*r, vm)) {
      return no_remedy(
          fmt::format("The job of node \"{}\" runs in an iothread: a plain yank would make QEMU abort.",
                      qmp::printable(r->name)));
    }
    if (auto why = against_yanking_node(*r, vm); !why.empty()) return no_remedy(std::move(why));
    instances.push_back(yank_instance(*r));
  }
  return yank(std::move(instances));
}

plan yank_stream(const verdict& v, const vm_model& vm) {
  if (auto why = against_cutting_stream(v, vm); !why.empty()) return no_remedy(std::move(why));
  if (!vm.yankable.migration) return no_remedy("QEMU does not list the migration among what it can yank.");
  return yank({boost::json::object{{"type", "migration"}}});
}

}  // namespace

std::string against_yanking_node(const wait_root& r, const vm_model& vm) {
  const auto name = qmp::printable(r.name);
  // QEMU waits for POLLOUT, which the shutdown of a unix socket with a full buffer never gives (qemu-facts
  // 8.5).
  if (on_unix_socket(r)) {
    return fmt::format("Node \"{}\" is reached by a unix socket: a plain yank does not end the wait.", name);
  }
  if (!vm.monitor.oob) return no_oob;
  if (std::ranges::find(vm.yankable.block_nodes, r.name) == vm.yankable.block_nodes.end())
    return fmt::format("QEMU does not list node \"{}\" among what it can yank.", name);
  return "";
}

boost::json::object yank_instance(const wait_root& node) {
  return {{"type", "block-node"}, {"node-name", node.name}};
}

boost::json::array node_names(const std::vector<const wait_root*>& roots) {
  std::vector<std::string> names;
  for (const auto* r : roots) names.push_back(r->name);
  std::ranges::sort(names);
  return boost::json::array(names.begin(), names.end());
}

plan yank_root(const verdict& v, const vm_model& vm) {
  if (auto why = against_acting_on(v); !why.empty()) return no_remedy(std::move(why));
  if (!vm.monitor.oob) return no_remedy(no_oob);
  if (v.root->type == wait_root::kind::block_node) return yank_nodes(v, vm);
  if (v.root->type == wait_root::kind::migration) return yank_stream(v, vm);
  return no_remedy("No remedy is known for this root.");
}

}  // namespace unwedge::policies
