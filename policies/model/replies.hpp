// What the model takes from each reply, by what it is about. Fields of an unexpected type are left out.
#pragma once

#include "policies/vm_model.hpp"

namespace unwedge::policies {

void apply_jobs(vm_model&, const qmp::json::array& list, instant now);
void apply_block_jobs(vm_model&, const qmp::json::array& list, instant now);

void apply_migrate(vm_model&, const qmp::json::object&, instant now);
void apply_capabilities(vm_model&, const qmp::json::array& list, instant now);
void apply_parameters(vm_model&, const qmp::json::object&, instant now);

void apply_chardevs(vm_model&, const qmp::json::array& list);
void apply_nodes(vm_model&, const qmp::json::array& list);
void apply_yank(vm_model&, const qmp::json::array& list);

}  // namespace unwedge::policies
