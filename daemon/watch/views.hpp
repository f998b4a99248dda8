// What is known, as the JSON of the contracts (design.md). Pure but for the clock that turns instants into
// dates.
#pragma once

#include "policies/policy.hpp"
#include "policies/verdict.hpp"
#include "policies/vm_model.hpp"

#include <boost/json.hpp>

#include <string>
#include <vector>

namespace unwedge::watch {

class vm_watcher;

/// One object of `unwedgectl --json list`.
boost::json::object to_json(const vm_watcher&);
/// The same with nodes, events and the last evidence's threads: `unwedgectl --json show VM`.
boost::json::object details(const vm_watcher&);

/// A sample, as in an incident's evidence.json.
boost::json::object to_json(const policies::process_facts&);

/// One object of `unwedgectl --json policies`, without what it has done.
boost::json::object to_json(const policies::policy&);

boost::json::object to_json(const policies::verdict&, const policies::vm_model&);

/// The samples that a verdict rests on, for the incident's folder.
std::string evidence_json(const std::vector<policies::process_facts>&, const policies::vm_model&);

/// An instant of the steady clock as RFC 3339.
std::string date_of(policies::instant);

}  // namespace unwedge::watch
