// What the monitor told of a VM, as JSON: for `list`, `show` and the evidence of an incident.
#pragma once

#include "policies/vm_model.hpp"

#include <boost/json.hpp>

namespace unwedge::watch {

boost::json::object monitor_json(const policies::monitor_state&);
/// Null: there was none.
boost::json::value migration_json(const std::optional<policies::migration_state>&);
boost::json::array jobs_json(const policies::vm_model&);
boost::json::array nodes_json(const policies::vm_model&);
/// Oldest first.
boost::json::array events_json(const policies::vm_model&);

}  // namespace unwedge::watch
