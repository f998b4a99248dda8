#include "policies/remedy.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace unwedge::policies {
namespace {

/// The guest stands still meanwhile, so less than for a copy beside a running one (io_health.cpp).
constexpr std::chrono::seconds flush_takes{20};

plan none(std::string why) {
  return {{}, std::move(why)};
}

plan yank(boost::json::array instances) {
  step s{.action = "yank", .arguments = {}};
  s.arguments["instances"] = std::move(instances);
  return {{std::move(s)}, ""};
}

/// True once the guest's disks have left their iothreads for the switchover: STOP is emitted after the
/// devices were told, and what hangs then is the drain or the flush of all nodes. A yank is safe again
/// (docs/qemu.md: 16 of 16).
bool past_the_iothreads(const vm_model& vm) {
  return vm.stopped_at && vm.migration && is_running(*vm.migration) && *vm.stopped_at >= vm.migration->began;
}

/// A plain yank saves the VM only where the waiting thread itself polls the dead connection: with the job in
/// an iothread it makes QEMU abort (job_set_aio_context, qemu-facts 8.2). And it costs what is behind the
/// connection: a copy can be made again, a disk that the guest runs on cannot.
plan yank_nodes(const verdict& v, const vm_model& vm) {
  std::vector<const wait_root*> roots{&*v.root};
  for (const auto& r : v.further_roots) roots.push_back(&r);
  boost::json::array instances;
  for (const auto* r : roots) {
    if (r->type != wait_root::kind::block_node) return none("Not all that it waits for are block nodes.");
    if (!r->job_target) {
      return none(fmt::format(
          "Node \"{}\" is no job's target but a disk of the guest: losing it could cost the VM.", r->name));
    }
    if (!r->polled_by_waiter && past_the_iothreads(vm) &&
        !vm.migrates_with.pause_before_switchover.value_or(false)) {
      return none(
          fmt::format("Without pause-before-switchover the migration would complete over the broken copy on "
                      "node \"{}\".",
                      r->name));
    }
    if (!r->polled_by_waiter && !past_the_iothreads(vm)) {
      return none(fmt::format(
          "The job of node \"{}\" runs in an iothread: a plain yank would make QEMU abort.", r->name));
    }
    // QEMU waits for POLLOUT, which the shutdown of a unix socket with a full buffer never gives
    // (qemu-facts 8.5).
    if (r->peer.starts_with('/') || r->peer.starts_with('@')) {
      return none(fmt::format("Node \"{}\" is reached by a unix socket: a plain yank does not end the wait.",
                              r->name));
    }
    if (!r->silent_for) return none(fmt::format("The connection of node \"{}\" is not silent.", r->name));
    if (r->takes_bytes && *r->silent_for < flush_takes) {
      return none(fmt::format(
          "The server of node \"{}\" took all that was sent: it may be writing it to its disk.", r->name));
    }
    if (std::ranges::find(vm.yankable.block_nodes, r->name) == vm.yankable.block_nodes.end()) {
      return none(fmt::format("QEMU does not list node \"{}\" among what it can yank.", r->name));
    }
    instances.push_back(boost::json::object{{"type", "block-node"}, {"node-name", r->name}});
  }
  return yank(std::move(instances));
}

/// Safe only while the source is blocked in *sending* a part of the VM: bytes that it still holds cannot have
/// reached the destination, so the destination cannot have become the VM. Blocked in receiving, or in sending
/// what follows the state, it may have, and two VMs would run.
plan yank_stream(const verdict& v, const vm_model& vm) {
  if (!v.sending) return none("The source has sent all it had; the destination may already be the VM.");
  if (!v.sends_state)
    return none("What is still to be sent may not be needed: the destination may already be the VM.");
  if (!v.root->silent_for) return none("The migration stream is not silent.");
  if (!vm.migration || !is_running(*vm.migration)) return none("Nothing is known of a migration that runs.");
  if (in_postcopy(*vm.migration)) return none("In post-copy the memory is split over two hosts.");
  if (!vm.migration->postcopy_enabled) return none("Whether post-copy is enabled is not known.");
  if (*vm.migration->postcopy_enabled)
    return none("Post-copy is enabled for this migration and may have begun.");
  if (!vm.yankable.migration) return none("QEMU does not list the migration among what it can yank.");
  return yank({boost::json::object{{"type", "migration"}}});
}

}  // namespace

plan plan_for(const verdict& v, const vm_model& vm) {
  if (v.kind != verdict_kind::bql_held && v.kind != verdict_kind::main_loop_waits) {
    return none(is_only_late(v.kind) ? "It is at work: waiting is right."
                                     : fmt::format("Nothing to be done about {}.", to_string(v.kind)));
  }
  if (!vm.monitor.oob) return none("The monitor has no out-of-band channel.");
  if (!v.root || !v.certain) return none("What it waits for is not certain.");
  if (v.root->type == wait_root::kind::block_node) return yank_nodes(v, vm);
  if (v.root->type == wait_root::kind::migration) return yank_stream(v, vm);
  return none("No remedy is known for this root.");
}

}  // namespace unwedge::policies
