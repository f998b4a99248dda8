// Of query-jobs and query-block-jobs (qapi/{job,block-core}.json).
#include "policies/block_graph.hpp"
#include "policies/model/limits.hpp"
#include "policies/model/replies.hpp"
#include "qmp/json_fields.hpp"

#include <functional>
#include <set>

namespace unwedge::policies {
namespace {

using qmp::number;
using qmp::text;
using qmp::json::array;

void apply_progress(job_state& job, std::int64_t offset, std::string_view status, instant now) {
  if (offset != job.offset || status != job.status || job.progressed == instant{}) job.progressed = now;
  if (status != job.status || job.since == instant{}) job.since = now;
  job.offset = offset;
  job.status = kept(status);
}

/// A job that has gone, or has begun to end, without an event that said so.
void forget_ended_targets(vm_model& vm) {
  std::set<std::string, std::less<>> ended;
  for (const auto& [name, node] : vm.nodes) {
    for (const auto& id : node.target_of) {
      const auto job = vm.jobs.find(id);
      if (job == vm.jobs.end() || !still_copies(job->second.status)) ended.insert(id);
    }
  }
  for (const auto& id : ended) forget_targets_of(vm, id);
}

}  // namespace

void apply_jobs(vm_model& vm, const array& list, instant now) {
  std::set<std::string, std::less<>> seen;
  for (const auto& entry : list) {
    const auto* o = entry.if_object();
    if (o == nullptr || seen.size() >= max_jobs) continue;
    const auto id = kept(text(*o, "id"));
    if (id.empty()) continue;
    auto& job = vm.jobs.try_emplace(id, job_state{.appeared = now}).first->second;
    job.type = kept(text(*o, "type"));
    job.len = number(*o, "total-progress").value_or(job.len);
    job.error = kept(text(*o, "error"));
    apply_progress(job, number(*o, "current-progress").value_or(0), text(*o, "status"), now);
    seen.insert(id);
  }
  for (const auto& [id, job] : vm.jobs) {
    const bool vanished = !seen.contains(id) && job.type == "mirror" && !vm.ended_copies.contains(id);
    if (vanished) note_copy_end(vm, id, {.error = "its end was not seen", .at = now});
    // Another one of that name than the one that ended.
    if (seen.contains(id) && still_copies(job.status) && job.status != "aborting") vm.ended_copies.erase(id);
  }
  std::erase_if(vm.jobs, [&](const auto& j) { return !seen.contains(j.first); });
  forget_ended_targets(vm);
}

void apply_block_jobs(vm_model& vm, const array& list, instant now) {
  for (const auto& entry : list) {
    const auto* o = entry.if_object();
    if (o == nullptr) continue;
    const auto found = vm.jobs.find(text(*o, "device"));
    if (found == vm.jobs.end()) continue;
    auto& job = found->second;
    job.io_status = kept(text(*o, "io-status"));
    const auto* busy = o->if_contains("busy");
    job.busy = busy != nullptr && busy->is_bool() && busy->get_bool();
    if (const auto* dismiss = o->if_contains("auto-dismiss"); dismiss != nullptr && dismiss->is_bool())
      job.auto_dismiss = dismiss->get_bool();
    job.len = number(*o, "len").value_or(job.len);
    apply_progress(job, number(*o, "offset").value_or(0), text(*o, "status"), now);
  }
  forget_ended_targets(vm);
}

}  // namespace unwedge::policies
