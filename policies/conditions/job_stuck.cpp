#include "policies/conditions/conditions.hpp"
#include "policies/sentence.hpp"
#include "qmp/printable.hpp"

#include <fmt/format.h>

namespace unwedge::policies {
namespace {

/// What a job waits for; empty: for nothing that anyone must do.
std::string_view waits_for(const job_state& job) {
  const std::string_view status = job.status, io = job.io_status;
  if (status == "pending") return "to be finalized";
  if (status == "concluded") return "to be dismissed";
  if (status == "aborting") return "for its own end";
  const bool stopped = status == "paused" || status == "standby" || status == "running";
  if (stopped && (io == "failed" || io == "nospace")) return "after an I/O error";
  return "";
}

}  // namespace

namespace holds {

void job_stuck(const vm_view& view, conditions& out) {
  for (const auto& [id, job] : view.vm.jobs) {
    const auto what = waits_for(job);
    if (what.empty()) continue;
    const bool io_error = what == "after an I/O error";
    out.push_back({.kind = condition_kind::job_stuck,
                   .subject = id,
                   .state = io_error ? "io-error" : job.status,
                   .since = io_error ? job.progressed : job.since,
                   .why = {}});
  }
}

}  // namespace holds
}  // namespace unwedge::policies

namespace unwedge::policies::why_holds {

std::string job_stuck(const condition& c, const vm_view& view) {
  const auto found = view.vm.jobs.find(c.subject);
  if (found == view.vm.jobs.end()) return {};
  const auto& job = found->second;
  return fmt::format("Job {} ({}) has been {} for {}: it waits {}.", qmp::printable(c.subject),
                     qmp::printable(job.type), qmp::printable(job.status), in_words(view.now - job.since),
                     waits_for(job));
}

}  // namespace unwedge::policies::why_holds
