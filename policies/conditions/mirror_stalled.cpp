#include "policies/block_graph.hpp"
#include "policies/conditions/conditions.hpp"
#include "policies/sentence.hpp"
#include "qmp/printable.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace unwedge::policies::holds {

/// Neither sign alone is enough: a connection may be quiet because nothing is to be copied, an offset may
/// stand still because the job waits for its source.
conditions mirror_stalled(const vm_view& view) {
  conditions out;
  for (const auto& [id, job] : view.vm.jobs) {
    if (!still_copies(job.status)) continue;
    const auto silent = view.io.silent_since(view.vm, job, view.now);
    if (!silent) continue;
    const auto since = std::max(*silent, job.progressed);
    out.push_back(
        {.kind = condition_kind::mirror_stalled,
         .subject = id,
         .state = job.status,
         .since = since,
         .why = fmt::format("The target of job {}, node \"{}\" ({}), has owed an answer for {}.",
                            qmp::printable(id), qmp::printable(*job.target),
                            view.vm.nodes.find(*job.target)->second.peer, in_words(view.now - since))});
  }
  return out;
}

}  // namespace unwedge::policies::holds
