#include "policies/actions.hpp"

#include "qmp/printable.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace unwedge::policies {
namespace {

plan none(std::string why) {
  return {{}, std::move(why)};
}

plan one(std::string action, boost::json::object arguments = {}) {
  return {{step{.action = std::move(action), .arguments = std::move(arguments)}}, ""};
}

/// The job's verbs (job.c, JobVerbTable): in another state QEMU refuses them.
plan job_command(std::string_view verb, const condition& c, const vm_view& view) {
  const auto found = view.vm.jobs.find(c.subject);
  if (found == view.vm.jobs.end())
    return none(fmt::format("There is no job {} any more.", qmp::printable(c.subject)));
  const auto& status = found->second.status;
  if (verb == "job-finalize" && status != "pending") return none("Only a pending job can be finalized.");
  if (verb == "job-dismiss" && status != "concluded") return none("Only a concluded job can be dismissed.");
  if (verb == "job-pause" && status != "running" && status != "ready")
    return none("Only a running job can be paused.");
  if (verb == "job-cancel" && (status == "concluded" || status == "aborting"))
    return none("The job has ended already.");
  return one(std::string(verb), {{"id", c.subject}});
}

/// Nobody who can be waited for: what is busy comes to an end, and a process that waits for storage would not
/// even end, since its requests are out. Whoever stopped or traces a process has plans for it.
plan on_process(action_kind action, const vm_view& view) {
  if (!view.alive) return none("The process has ended.");
  if (view.stall != nullptr && !is_hang(view.stall->kind))
    return none(fmt::format("The verdict {} is no hang of the process's own: it is left alone.",
                            to_string(view.stall->kind)));
  return {{step{.action = std::string(to_string(action)), .arguments = {}, .needs = needed_for(action)}}, ""};
}

plan cancel_migration(const vm_view& view) {
  const auto& m = view.vm.migration;
  if (!m || !is_running(*m)) return none("No migration runs.");
  if (in_postcopy(*m)) return none("In post-copy the memory is split over two hosts.");
  if (past_the_switchover(view.vm)) return none("The destination may already be the VM.");
  return one("migrate_cancel");
}

plan yank_migration(const vm_view& view) {
  const auto cancel = cancel_migration(view);
  if (cancel.ladder.empty()) return cancel;
  if (!view.vm.monitor.oob) return none("The monitor has no out-of-band channel.");
  const auto& m = *view.vm.migration;
  if (!m.postcopy_enabled || *m.postcopy_enabled)
    return none("Post-copy is enabled, or not known not to be.");
  if (!view.vm.yankable.migration) return none("QEMU does not list the migration among what it can yank.");
  // Before the switchover the destination has not got the state; what follows is judged by the stall's
  // evidence.
  if (m.status != "active") return none("Only before the switchover the destination surely is not the VM.");
  return one("yank", {{"instances", boost::json::array{boost::json::object{{"type", "migration"}}}}});
}

/// What ends a hung main loop's wait, by this remedy.
plan cure(plan (*remedy)(const verdict&, const vm_model&), const vm_view& view) {
  return view.stall != nullptr ? remedy(*view.stall, view.vm) : none("There is no verdict.");
}

}  // namespace

plan yank_target(std::string_view job, const vm_view& view) {
  const auto& vm = view.vm;
  const auto found = vm.jobs.find(job);
  if (found == vm.jobs.end() || !found->second.target) return none("Which node it copies to is not known.");
  const auto& target = *found->second.target;
  const auto node = vm.nodes.find(target);
  if (node == vm.nodes.end() || !node->second.job_target)
    return none(fmt::format("Node \"{}\" is not only a job's target: the guest may need it.",
                            qmp::printable(target)));
  const auto& peer = node->second.peer;
  if (peer.starts_with('/') || peer.starts_with('@'))
    return none(fmt::format("Node \"{}\" is reached by a unix socket: a plain yank does not end the wait.",
                            qmp::printable(target)));
  if (!vm.monitor.oob) return none("The monitor has no out-of-band channel.");
  if (std::ranges::find(vm.yankable.block_nodes, target) == vm.yankable.block_nodes.end())
    return none(
        fmt::format("QEMU does not list node \"{}\" among what it can yank.", qmp::printable(target)));
  return one("yank", {{"instances", boost::json::array{boost::json::object{{"type", "block-node"},
                                                                           {"node-name", target}}}}});
}

bool acts_on_process(const step& s) {
  return s.action == to_string(action_kind::flag_core) || s.action == to_string(action_kind::core) ||
         s.action == to_string(action_kind::abort);
}

bool cuts_from_outside(const step& s) {
  return s.action == to_string(action_kind::sever_root) || s.action == to_string(action_kind::rescue_root);
}

std::string_view command_of(action_kind action) {
  switch (action) {
    case action_kind::yank_root:
    case action_kind::yank_target:
    case action_kind::yank_migration:
      return "yank";
    case action_kind::cancel_job:
      return "job-cancel";
    case action_kind::pause_job:
      return "job-pause";
    case action_kind::finalize_job:
      return "job-finalize";
    case action_kind::dismiss_job:
      return "job-dismiss";
    case action_kind::cancel_migration:
      return "migrate_cancel";
    case action_kind::sever_root:
    case action_kind::rescue_root:
    case action_kind::flag_core:
    case action_kind::core:
    case action_kind::abort:
      return to_string(action);
    case action_kind::report:
    case action_kind::guard_switchover:
      break;
  }
  return "";
}

plan resolve(action_kind action, const condition& c, const vm_view& view) {
  switch (action) {
    case action_kind::yank_root:
      return cure(policies::yank_root, view);
    case action_kind::sever_root:
      return cure(policies::sever_root, view);
    case action_kind::rescue_root:
      return cure(policies::rescue_root, view);
    case action_kind::yank_target:
      // In a switchover the guard and the stall's verdict know better: with an iothread a yank there can
      // abort.
      if (view.vm.migration && is_running(*view.vm.migration))
        return none("A migration runs: its guard decides in which order to cancel and to yank.");
      return yank_target(c.subject, view);
    case action_kind::cancel_job:
      return job_command("job-cancel", c, view);
    case action_kind::pause_job:
      return job_command("job-pause", c, view);
    case action_kind::finalize_job:
      return job_command("job-finalize", c, view);
    case action_kind::dismiss_job:
      return job_command("job-dismiss", c, view);
    case action_kind::cancel_migration:
      return cancel_migration(view);
    case action_kind::yank_migration:
      return yank_migration(view);
    case action_kind::flag_core:
    case action_kind::core:
    case action_kind::abort:
      return on_process(action, view);
    case action_kind::report:
    case action_kind::guard_switchover:
      break;
  }
  return {};
}

}  // namespace unwedge::policies
