// Stacks as the JSON of an incident's stacks.json and of `unwedgectl --json inspect --stacks`. Pure.
#pragma once

#include "policies/stacks.hpp"

#include <boost/json.hpp>

namespace unwedge::inspection {

/// {threads: [{tid, comm, frames: [{function, offset, module, module_offset}], unwind}], stopped_us, took_us,
/// problems}; a function or module that is not known is null.
boost::json::object to_json(const policies::process_stacks& stacks);

}  // namespace unwedge::inspection
