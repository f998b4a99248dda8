// A policy in force, as JSON.
#pragma once

#include "policies/policy.hpp"

#include <boost/json.hpp>

namespace unwedge::watch {

/// One object of `unwedgectl --json policies`, without what it has done.
boost::json::object to_json(const policies::policy&);

}  // namespace unwedge::watch
