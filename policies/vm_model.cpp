#include "policies/vm_model.hpp"

#include "policies/block_graph.hpp"
#include "qmp/json_fields.hpp"

#include <algorithm>
#include <array>

namespace unwedge::policies {
namespace {

using qmp::text;

constexpr std::size_t max_jobs = 256;
constexpr std::size_t max_ended = 64;
constexpr std::size_t text_bytes = 256;

/// How a mirror ended matters to a migration that begins soon after; later it is history.
constexpr std::chrono::minutes remembered{10};

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

void note_copy_end(vm_model& vm, std::string_view job, ended_copy how) {
  std::erase_if(vm.ended_copies, [&](const auto& e) { return how.at - e.second.at > remembered; });
  if (job.empty()) return;
  const std::string id(job.substr(0, text_bytes));
  const auto before = vm.ended_copies.find(id);
  if (before == vm.ended_copies.end() && vm.ended_copies.size() >= max_ended) {
    const auto whole = std::ranges::find_if(vm.ended_copies, [](const auto& e) { return e.second.whole; });
    vm.ended_copies.erase(whole != vm.ended_copies.end() ? whole : vm.ended_copies.begin());
  }
  how.error = how.error.substr(0, text_bytes);
  if (before != vm.ended_copies.end() && !before->second.whole) {  // it failed: what follows does not mend it
    how.whole = false;
    if (how.error.empty()) how.error = before->second.error;
  }
  if (!how.whole && how.error.empty()) how.error = "it was given up";
  vm.ended_copies.insert_or_assign(id, std::move(how));
}

bool past_the_switchover(const vm_model& vm) {
  if (!vm.migration) return false;
  const std::string_view status = vm.migration->status;
  return status == "device" || (status == "active" && vm.run_state == "finish-migrate");
}

bool is_running(const migration_state& m) {
  constexpr std::array<std::string_view, 6> over{"", "none", "completed", "failed", "cancelled", "colo"};
  return std::ranges::find(over, m.status) == over.end();
}

bool in_postcopy(const migration_state& m) {
  return m.status.starts_with("postcopy");
}

refresh& refresh::operator|=(const refresh& o) {
  status |= o.status;
  jobs |= o.jobs;
  nodes |= o.nodes;
  migration |= o.migration;
  settings |= o.settings;
  return *this;
}

void history::add(const qmp::event& e, instant now) {
  if (ring_.size() < capacity) ring_.emplace_back();
  auto& slot = ring_[next_];
  next_ = (next_ + 1) % capacity;
  slot.at = now;
  slot.timestamp = e.timestamp;
  slot.name.assign(e.name.substr(0, text_bytes));
  slot.data.assign(e.raw.substr(0, data_bytes));
}

std::vector<const history_entry*> history::oldest_first() const {
  std::vector<const history_entry*> out;
  out.reserve(ring_.size());
  for (std::size_t i = 0; i < ring_.size(); ++i) {
    out.push_back(&ring_[ring_.size() < capacity ? i : (next_ + i) % capacity]);
  }
  return out;
}

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

std::vector<query> resync_queries() {
  // The chardevs before the capabilities: whose the VM is must be known before anything is set.
  return {query::status,
          query::name,
          query::uuid,
          query::jobs,
          query::block_jobs,
          query::migrate,
          query::yank,
          query::block_nodes,
          query::block_graph,
          query::chardevs,
          query::migrate_capabilities,
          query::migrate_parameters};
}

bool at_risk(const vm_model& vm) {
  return !vm.jobs.empty() || (vm.migration && is_running(*vm.migration));
}

query next_probe(const vm_model& vm, std::uint64_t count) {
  const bool migrates = vm.migration && is_running(*vm.migration);
  // Its owner may set them anew while it runs; no event says so.
  if (migrates && !vm.jobs.empty() && count % 8 == 5) return query::migrate_parameters;
  if (migrates && count % 2 == 0) return query::migrate;
  if (vm.jobs.empty()) return count % 4 == 3 ? query::migrate : query::status;
  constexpr std::array beside_jobs{query::status, query::jobs, query::migrate, query::block_jobs};
  return beside_jobs[count % beside_jobs.size()];
}

}  // namespace unwedge::policies
