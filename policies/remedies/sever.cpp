#include "policies/policy.hpp"
#include "policies/remedies/grounds.hpp"
#include "policies/remedies/remedies.hpp"
#include "qmp/printable.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace unwedge::policies {
namespace {

plan sever(boost::json::object arguments, boost::json::array connections) {
  step s{.action = std::string(to_string(action_kind::sever_root)), .arguments = std::move(arguments)};
  s.arguments["connections"] = std::move(connections);
  return {{std::move(s)}, ""};
}

plan sever_nodes(const verdict& v, const vm_model& vm) {
  const auto roots = roots_of(v);
  for (const auto* r : roots) {
    if (auto why = against_cutting_copy(*r, vm); !why.empty()) return no_remedy(std::move(why));
    if (auto why = against_cutting_in_old_qemu(*r, vm); !why.empty()) return no_remedy(std::move(why));
    if (job_in_iothread(*r, vm)) {
      return no_remedy(fmt::format(
          "The job of node \"{}\" runs in an iothread: cut off without a lease it would make QEMU abort.",
          qmp::printable(r->name)));
    }
    if (auto why = against_severing(*r); !why.empty()) return no_remedy(std::move(why));
  }
  return sever({{"nodes", node_names(roots)}}, connections_of(roots));
}

/// Of AF_UNIX a sever raises the send buffer first, and so lets through what the source is blocked in
/// sending: perhaps all the rest of the VM, and then two would run. A yank only shuts the stream down.
plan sever_stream(const verdict& v, const vm_model& vm) {
  if (auto why = against_cutting_stream(v, vm); !why.empty()) return no_remedy(std::move(why));
  if (vm.monitor.oob && vm.yankable.migration)
    return no_remedy("QEMU can yank the migration: a sever would do no more.");
  if (on_unix_socket(*v.root))
    return no_remedy(
        "The migration stream is a unix socket: to sever it would let more of the VM through first.");
  if (auto why = against_severing(*v.root); !why.empty()) return no_remedy(std::move(why));
  return sever({{"migration", true}}, connections_of({&*v.root}));
}

}  // namespace

std::string against_severing(const wait_root& r) {
  const auto name = qmp::printable(r.name);
  if (!r.connection || r.connection->fd < 0 || r.connection->inode == 0)
    return fmt::format("Which socket of the process is the connection of \"{}\" is not known.", name);
  if (r.connection->kind == socket_facts::family::other)
    return fmt::format("The connection of \"{}\" is neither TCP nor a unix socket.", name);
  return "";
}

boost::json::array connections_of(const std::vector<const wait_root*>& roots) {
  auto in_order = roots;
  std::ranges::sort(in_order, {}, [](const wait_root* r) { return r->connection->fd; });
  boost::json::array out;
  for (const auto* r : in_order) {
    out.push_back(
        boost::json::object{{"fd", r->connection->fd}, {"inode", r->connection->inode}, {"peer", r->peer}});
  }
  return out;
}

plan sever_root(const verdict& v, const vm_model& vm) {
  if (auto why = against_acting_on(v); !why.empty()) return no_remedy(std::move(why));
  if (v.root->type == wait_root::kind::block_node) return sever_nodes(v, vm);
  if (v.root->type == wait_root::kind::migration) return sever_stream(v, vm);
  return no_remedy("No remedy is known for this root.");
}

}  // namespace unwedge::policies
