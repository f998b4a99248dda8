// Why a VM hangs, as the JSON of incidents, `list` and `show`.
#pragma once

#include "policies/verdict.hpp"
#include "policies/vm_model.hpp"

#include <boost/json.hpp>

namespace unwedge::watch {

boost::json::object to_json(const policies::verdict&, const policies::vm_model&);

}  // namespace unwedge::watch
