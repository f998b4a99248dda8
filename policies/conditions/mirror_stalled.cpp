#include "policies/block_graph.hpp"
#include "policies/conditions/conditions.hpp"
#include "policies/sentence.hpp"
#include "qmp/printable.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace unwedge::policies::holds {

/// Neither sign alone is enough: a connection may be quiet because nothing is to be copied, an offset may
/// stand still because the job waits for its source.
void mirror_stalled(const vm_view& view, conditions& out) {
  for (const auto& [id, job] : view.vm.jobs) {
    if (!still_copies(job.status)) continue;
    const auto silent = view.io.dead_since(view.vm, job, view.now);
    if (!silent) continue;
    const auto since = std::max(*silent, job.progressed);
    out.push_back({.kind = condition_kind::mirror_stalled,
                   .subject = id,
                   .state = job.status,
                   .since = since,
                   .why = {}});
  }
}

}  // namespace unwedge::policies::holds

namespace unwedge::policies::why_holds {

std::string mirror_stalled(const condition& c, const vm_view& view) {
  const auto job = view.vm.jobs.find(c.subject);
  if (job == view.vm.jobs.end() || !job->second.target) return {};
  const auto node = view.vm.nodes.find(*job->second.target);
  if (node == view.vm.nodes.end()) return {};
  return fmt::format("The target of job {}, node \"{}\" ({}), has owed an answer for {}.",
                     qmp::printable(c.subject), qmp::printable(node->first), node->second.peer,
                     in_words(view.now - c.since));
}

}  // namespace unwedge::policies::why_holds
