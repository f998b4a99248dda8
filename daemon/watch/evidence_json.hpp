// What was seen of a process, as JSON.
#pragma once

#include "policies/vm_model.hpp"

#include <boost/json.hpp>

#include <string>
#include <vector>

namespace unwedge::watch {

/// A sample, as in an incident's evidence.json.
boost::json::object to_json(const policies::process_facts&);

/// evidence.json: the samples that a verdict rests on, and how the VM stood.
std::string evidence_json(const std::vector<policies::process_facts>&, const policies::vm_model&);

}  // namespace unwedge::watch
