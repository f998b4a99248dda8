// What the model takes from events (qapi/{job,block-core,migration,run-state}.json).
#include "policies/block_graph.hpp"
#include "policies/model/limits.hpp"
#include "policies/vm_model.hpp"
#include "qmp/json_fields.hpp"

namespace unwedge::policies {
namespace {

using qmp::text;

void set_run_state(vm_model& vm, std::string_view state) {
  vm.run_state.assign(state.substr(0, text_bytes));
}

refresh on_job_status(vm_model& vm, const qmp::json::object& data, instant now) {
  const auto id = text(data, "id");
  const auto status = text(data, "status");
  if (id.empty()) return {};
  if (!still_copies(status)) forget_targets_of(vm, id);
  auto found = vm.jobs.find(id);
  if (status == "null") {
    if (found != vm.jobs.end()) vm.jobs.erase(found);
    return {};
  }
  if (found == vm.jobs.end()) {
    if (vm.jobs.size() >= max_jobs) return {};
    found = vm.jobs.emplace(id.substr(0, text_bytes), job_state{.appeared = now}).first;
  }
  found->second.status.assign(status.substr(0, text_bytes));
  found->second.progressed = found->second.since = now;
  if (status == "created")
    vm.ended_copies.erase(std::string(id.substr(0, text_bytes)));  // another of that name
  if (status == "aborting" && found->second.type == "mirror") note_copy_end(vm, id, {.at = now});
  // Before a mirror its manager may have set capabilities: whether it guards the switchover itself shows
  // there.
  return {.jobs = found->second.type.empty() || status == "ready",
          .nodes = status == "running",
          .settings = status == "created"};
}

refresh on_block_job_end(vm_model& vm, const qmp::json::object& data, bool completed, instant now) {
  const auto error = text(data, "error");
  const auto found = vm.jobs.find(text(data, "device"));
  if (found != vm.jobs.end()) found->second.error.assign(error.substr(0, text_bytes));
  if (text(data, "type") != "mirror") return {};
  note_copy_end(vm, text(data, "device"),
                {.whole = completed && error.empty(), .error = std::string(error), .at = now});
  return {};
}

refresh on_migration(vm_model& vm, const qmp::json::object& data, instant now) {
  if (!vm.migration || !is_running(*vm.migration)) {
    vm.migration = migration_state{};
    vm.migration->began = vm.migration->best_at = now;
  }
  vm.migration->status.assign(text(data, "status").substr(0, text_bytes));
  vm.migration->since = now;
  // Its owner may have set the parameters just before: what they are is to be known before they are changed.
  return {.migration = true, .settings = vm.migration->status == "setup"};
}

refresh on_stop(vm_model& vm, instant now) {
  vm.stopped_at = now;
  set_run_state(vm, vm.migration && is_running(*vm.migration) ? "finish-migrate" : "paused");
  return {.status = true, .migration = true};
}

}  // namespace

refresh apply_event(vm_model& vm, const qmp::event& e, instant now) {
  ++vm.event_count;
  vm.events.add(e, now);
  if (e.name == "JOB_STATUS_CHANGE") return on_job_status(vm, e.data, now);
  if (e.name == "BLOCK_JOB_COMPLETED") return on_block_job_end(vm, e.data, true, now);
  if (e.name == "BLOCK_JOB_CANCELLED") return on_block_job_end(vm, e.data, false, now);
  if (e.name == "MIGRATION") return on_migration(vm, e.data, now);
  if (e.name == "STOP") return on_stop(vm, now);
  if (e.name == "RESUME") {
    vm.stopped_at.reset();
    set_run_state(vm, "running");
    return {.status = true, .migration = true};
  }
  if (e.name == "SHUTDOWN") vm.shut_down = true;
  if (e.name == "SUSPEND" || e.name == "WAKEUP" || e.name == "GUEST_PANICKED" || e.name == "BLOCK_IO_ERROR") {
    return {.status = true};
  }
  return {};
}

}  // namespace unwedge::policies
