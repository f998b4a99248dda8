#include "policies/remedies/grounds.hpp"

#include "qmp/printable.hpp"

#include <fmt/format.h>

#include <tuple>

namespace unwedge::policies {
namespace {

/// The guest stands still meanwhile, so less than for a copy beside a running one (io_health.cpp).
constexpr std::chrono::seconds flush_takes{20};

/// True once the guest's disks have left their iothreads for the switchover: STOP is emitted after the
/// devices were told, and what hangs then is the drain or the flush of all nodes. A yank is safe again
/// (docs/qemu.md: 16 of 16).
bool past_the_iothreads(const vm_model& vm) {
  return vm.stopped_at && vm.migration && is_running(*vm.migration) && *vm.stopped_at >= vm.migration->began;
}

}  // namespace

plan no_remedy(std::string why) {
  return {{}, std::move(why)};
}

std::vector<const wait_root*> roots_of(const verdict& v) {
  std::vector<const wait_root*> roots{&*v.root};
  for (const auto& r : v.further_roots) roots.push_back(&r);
  return roots;
}

std::string against_acting_on(const verdict& v) {
  if (is_only_late(v.kind)) return "It is at work: waiting is right.";
  if (v.kind != verdict_kind::bql_held && v.kind != verdict_kind::main_loop_waits)
    return fmt::format("Nothing to be done about {}.", to_string(v.kind));
  if (!v.root || !v.certain) return "What it waits for is not certain.";
  return "";
}

std::string against_cutting_copy(const wait_root& r, const vm_model& vm) {
  if (r.type != wait_root::kind::block_node) return "Not all that it waits for are block nodes.";
  const auto name = qmp::printable(r.name);
  if (!r.job_target) {
    return fmt::format("Node \"{}\" is no job's target but a disk of the guest: losing it could cost the VM.",
                       name);
  }
  if (vm.migration && in_postcopy(*vm.migration)) return "In post-copy the memory is split over two hosts.";
  if (!r.polled_by_waiter && past_the_iothreads(vm) && !halts_before_switchover(vm)) {
    return fmt::format(
        "Without pause-before-switchover the migration would complete over the broken copy on node \"{}\".",
        name);
  }
  if (!r.silent_for) return fmt::format("The connection of node \"{}\" is not silent.", name);
  if (r.takes_bytes && *r.silent_for < flush_takes) {
    return fmt::format("The server of node \"{}\" took all that was sent: it may be writing it to its disk.",
                       name);
  }
  return "";
}

std::string against_cutting_stream(const verdict& v, const vm_model& vm) {
  if (!v.sending) return "The source has sent all it had; the destination may already be the VM.";
  if (!v.sends_state)
    return "What is still to be sent may not be needed: the destination may already be the VM.";
  if (!v.root->silent_for) return "The migration stream is not silent.";
  if (!vm.migration || !is_running(*vm.migration)) return "Nothing is known of a migration that runs.";
  if (in_postcopy(*vm.migration)) return "In post-copy the memory is split over two hosts.";
  if (!vm.migration->postcopy_enabled) return "Whether post-copy is enabled is not known.";
  if (*vm.migration->postcopy_enabled) return "Post-copy is enabled for this migration and may have begun.";
  return "";
}

bool job_in_iothread(const wait_root& r, const vm_model& vm) {
  return !r.polled_by_waiter && !past_the_iothreads(vm);
}

std::string against_cutting_in_old_qemu(const wait_root& r, const vm_model& vm) {
  const auto& is = vm.monitor.version;
  const bool old = is.major != 0 && std::tuple(is.major, is.minor) < std::tuple(7, 2);
  if (r.polled_by_waiter || !old) return "";
  return fmt::format(
      "QEMU {} with the job of node \"{}\" in an iothread dies of whatever ends its connection.",
      to_string(is), qmp::printable(r.name));
}

bool halts_before_switchover(const vm_model& vm) {
  const bool gone_on = vm.migration && vm.migration->status == "device";
  return vm.migrates_with.pause_before_switchover.value_or(false) && !gone_on;
}

bool on_unix_socket(const wait_root& r) {
  const bool seen = r.connection && r.connection->kind == socket_facts::family::unix_stream;
  return seen || r.peer.starts_with('/') || r.peer.starts_with('@');
}

}  // namespace unwedge::policies
