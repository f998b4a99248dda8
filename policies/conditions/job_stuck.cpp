#include "policies/conditions/conditions.hpp"
#include "policies/sentence.hpp"
#include "qmp/printable.hpp"

#include <fmt/format.h>

namespace unwedge::policies::holds {
namespace {

/// What a job waits for; empty: for nothing that anyone must do.
std::string_view waits_for(const job_state& job) {
  if (job.status == "pending") return "to be finalized";
  if (job.status == "concluded") return "to be dismissed";
  if (job.status == "aborting") return "for its own end";
  const bool stopped = job.status == "paused" || job.status == "standby" || job.status == "running";
  if (stopped && (job.io_status == "failed" || job.io_status == "nospace")) return "after an I/O error";
  return "";
}

}  // namespace

conditions job_stuck(const vm_view& view) {
  conditions out;
  for (const auto& [id, job] : view.vm.jobs) {
    const auto what = waits_for(job);
    if (what.empty()) continue;
    const bool io_error = what == "after an I/O error";
    out.push_back({.kind = condition_kind::job_stuck,
                   .subject = id,
                   .state = io_error ? "io-error" : job.status,
                   .since = io_error ? job.progressed : job.since,
                   .why = fmt::format("Job {} ({}) has been {} for {}: it waits {}.", qmp::printable(id),
                                      qmp::printable(job.type), qmp::printable(job.status),
                                      in_words(view.now - job.since), what)});
  }
  return out;
}

}  // namespace unwedge::policies::holds
