// Which nodes jobs copy to, from x-debug-query-block-graph (QEMU >= 4.0): query-block-jobs does not say it.
#pragma once

#include "policies/vm_model.hpp"

namespace unwedge::policies {

/// Sets block_node::job_target and job_state::target of the nodes and jobs that the model knows already.
void apply_block_graph(vm_model&, const qmp::json::object& graph);

}  // namespace unwedge::policies
