#include "policies/policy.hpp"
#include "policies/remedies/grounds.hpp"
#include "policies/remedies/remedies.hpp"
#include "qmp/printable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <expected>
#include <set>
#include <tuple>

namespace unwedge::policies {
namespace {

/// More of them no QEMU of ours has been seen to hold; each is looked up and called in the stopped thread.
constexpr std::size_t most_mutexes = 8;

/// Who can be asked to give the lock away. What else it takes only its stack tells, and unwedge-rescue looks
/// at that.
std::string against_lending(const verdict& v) {
  if (v.kind != verdict_kind::bql_held) return "The main thread itself waits: there is no lock to be lent.";
  if (v.other_lock) return "The main loop waits for a lock that is not the BQL.";
  if (v.spinning) return "The holder of the BQL runs: only one that waits can lend it.";
  if (!v.holder || v.holder->tid <= 0 || v.holder->mutex == 0) return "Who holds the BQL is not known.";
  if (v.holder->role == thread_role::vcpu)
    return "A vCPU holds the BQL: its guest would run on while QEMU is in the middle of something.";
  if (!v.holder->polls) return "The holder of the BQL does not wait in ppoll.";
  if (v.holder->further_mutexes.size() >= most_mutexes)
    return fmt::format("The holder has {} locks that others wait for.", v.holder->further_mutexes.size() + 1);
  return "";
}

/// Without the event a migration is known from a query at best, and the holder may be its thread all the
/// same.
bool may_migrate(const lock_holder& h, const vm_model& vm) {
  return (vm.migration && is_running(*vm.migration)) || h.role == thread_role::migration ||
         h.role == thread_role::unknown;
}

/// In the window the job ends in the main thread, and with drive-mirror its node as well: nothing but this
/// keeps the migration from completing.
using fence = migration_fence;

constexpr const char* is_past =
    "The migration is past its switchover: the destination may already be the VM.";
constexpr const char* cancelled_before =
    "The migration was cancelled already, and would not take the disks back.";

bool since(int major, int minor, const vm_model& vm) {
  const auto& is = vm.monitor.version;
  return std::tuple(is.major, is.minor) >= std::tuple(major, minor);
}

/// From 8.2 on the end of the stream is looked at before the disks are given away (ram_save_complete flushes
/// and returns the error). Before, a migration that was cancelled during vm_stop gives them away, does not
/// take them back, as its state is neither active nor device, and starts the guest: the first write aborts
/// (bdrv_co_write_req_prepare, BDRV_O_INACTIVE). With the pause to come it ends there (migration_maybe_pause,
/// 5.0; before, it waits for a continue that is not taken any more). One that is yanked waits there, with the
/// guest standing still, until somebody continues it.
bool cancel_is_heeded(const vm_model& vm) {
  return since(8, 2, vm) || (halts_before_switchover(vm) && since(5, 0, vm));
}

/// A yank leaves the state active: the migration fails by its stream, and takes the disks back. With multifd
/// the first channel that fails makes it failed before that, and it does not
/// (multifd_send_terminate_threads).
std::string against_yanking_migration(const vm_model& vm) {
  if (!vm.monitor.oob || !vm.yankable.migration)
    return "The migration can neither be yanked nor safely be cancelled, and would complete over the broken "
           "copy.";
  if (vm.migrates_with.multifd.value_or(true))
    return "Multifd is enabled, or not known not to be: the migration would not take the disks back.";
  return "";
}

std::expected<fence, std::string> fence_for(const verdict& v, const vm_model& vm) {
  if (!may_migrate(*v.holder, vm)) return fence::none;
  const bool known = vm.migration && is_running(*vm.migration);
  // Before it nothing of the devices has been sent: the holder is in vm_stop.
  if (known && vm.migration->status == "device") return std::unexpected(is_past);
  if (known && vm.migration->postcopy_enabled.value_or(false))  // asked for again in the window
    return std::unexpected("Post-copy is enabled.");
  if (vm.monitor.ready && cancel_is_heeded(vm)) return fence::cancel;
  if (halts_before_switchover(vm)) return fence::none;
  if (known && vm.migration->status == "cancelling") return std::unexpected(cancelled_before);
  if (auto why = against_yanking_migration(vm); !why.empty()) return std::unexpected(std::move(why));
  return fence::yank;
}

/// A name that QEMU made, "#block123": opened with the job (drive-mirror), or below a node that was. What
/// somebody added by its name stays, unless it was named to drive-mirror.
bool named_by_qemu(const std::string& node) {
  return node.starts_with('#');
}

/// The end of the copy frees what a walk through the block graph may hold: its node, or with auto-dismiss the
/// job itself.
bool frees_graph(const wait_root& r, const vm_model& vm) {
  if (named_by_qemu(r.name)) return true;
  return std::ranges::any_of(jobs_copying_to(vm, r.name), [&](const std::string& id) {
    const auto& job = vm.jobs.find(id)->second;
    return job.auto_dismiss.value_or(true) || !job.target || named_by_qemu(*job.target);
  });
}

std::string against_copy(const wait_root& r, const vm_model& vm) {
  if (auto why = against_cutting_copy(r, vm); !why.empty()) return why;
  if (auto why = against_cutting_in_old_qemu(r, vm); !why.empty()) return why;
  if (jobs_copying_to(vm, r.name).empty())
    return fmt::format("Which job copies to node \"{}\" is not known.", qmp::printable(r.name));
  return "";
}

/// One way for all nodes: which connection is whose need not be known then.
std::expected<boost::json::object, std::string> cut(const std::vector<const wait_root*>& roots, fence first,
                                                    const vm_model& vm) {
  boost::json::array instances;
  if (first == fence::yank) instances.push_back(boost::json::object{{"type", "migration"}});
  const bool yank =
      std::ranges::all_of(roots, [&](const wait_root* r) { return against_yanking_node(*r, vm).empty(); });
  if (yank) {
    for (const auto* r : roots) instances.push_back(yank_instance(*r));
    return boost::json::object{{"yank", std::move(instances)}};
  }
  for (const auto* r : roots) {
    if (auto why = against_severing(*r); !why.empty()) return std::unexpected(std::move(why));
  }
  boost::json::object out;
  if (!instances.empty()) out["yank"] = std::move(instances);
  out["sever"] = connections_of(roots);
  return out;
}

boost::json::array mutexes(const lock_holder& h) {
  boost::json::array out{fmt::format("{:#x}", h.mutex)};
  for (const auto m : h.further_mutexes) out.emplace_back(fmt::format("{:#x}", m));
  return out;
}

}  // namespace

std::string against_fence(migration_fence planned, const vm_model& vm) {
  if (!vm.migration || !is_running(*vm.migration)) return "";  // it has ended, or there was none
  const auto& status = vm.migration->status;
  if (in_postcopy(*vm.migration)) return "In post-copy the memory is split over two hosts.";
  if (status == "device") return is_past;
  if (vm.migration->postcopy_enabled.value_or(true)) return "Post-copy is enabled, or not known not to be.";
  const bool halts = halts_before_switchover(vm);
  switch (planned) {
    case fence::none:
      return halts ? "" : "A migration runs that was not known of.";
    case fence::cancel:
      return cancel_is_heeded(vm) ? "" : "The migration would not heed its cancel.";
    case fence::yank:
      break;
  }
  if (halts) return "The migration would wait at its pause before the switchover: it is to be cancelled.";
  if (status == "cancelling") return cancelled_before;
  return against_yanking_migration(vm);
}

plan rescue_root(const verdict& v, const vm_model& vm) {
  if (auto why = against_acting_on(v); !why.empty()) return no_remedy(std::move(why));
  if (v.root->type != wait_root::kind::block_node)
    return no_remedy("A lease is known to help only where the target of a job is dead.");
  if (auto why = against_lending(v); !why.empty()) return no_remedy(std::move(why));
  const auto roots = roots_of(v);
  std::set<std::string> jobs;
  for (const auto* r : roots) {
    if (auto why = against_copy(*r, vm); !why.empty()) return no_remedy(std::move(why));
    jobs.merge(jobs_copying_to(vm, r->name));
  }
  const auto first = fence_for(v, vm);
  if (!first) return no_remedy(first.error());
  auto how = cut(roots, *first, vm);
  if (!how) return no_remedy(std::move(how.error()));
  step s{.action = std::string(to_string(action_kind::rescue_root)),
         .arguments = {{"holder", v.holder->tid},
                       {"mutexes", mutexes(*v.holder)},
                       {"cancel_migration", *first == fence::cancel},
                       {"frees_graph",
                        std::ranges::any_of(roots, [&](const wait_root* r) { return frees_graph(*r, vm); })},
                       {"nodes", node_names(roots)},
                       {"cut", *std::move(how)},
                       {"jobs", boost::json::array(jobs.begin(), jobs.end())}},
         .needs = needed_for(action_kind::rescue_root)};
  return {{std::move(s)}, ""};
}

}  // namespace unwedge::policies
