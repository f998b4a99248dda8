// Which nodes jobs copy to, from x-debug-query-block-graph (QEMU >= 4.0): query-block-jobs does not say it.
#pragma once

#include "policies/vm_model.hpp"

#include <string_view>

namespace unwedge::policies {

/// Sets block_node::job_target and job_state::target of the nodes and jobs that the model knows already. A
/// node that a device of the guest uses as well is no job target: the base of an active commit, the target of
/// a backup (whose filter makes the guest's writes wait for it, and fail with it).
void apply_block_graph(vm_model&, const qmp::json::object& graph);

/// True while a job in this state does no more to its target than copy to it. From `waiting` on a mirror may
/// make the guest run on its target (mirror_exit_common); an unknown state is not one to bet on.
bool still_copies(std::string_view job_status);

/// No node is this job's target any more.
void forget_targets_of(vm_model&, std::string_view job);

}  // namespace unwedge::policies
