// A watched VM as surfaces show it, in the JSON of the contracts (design.md). Reads what the watcher knows,
// asks nobody.
#pragma once

#include <boost/json.hpp>

namespace unwedge::watch {

class vm_watcher;

/// One object of `unwedgectl --json list`.
boost::json::object to_json(const vm_watcher&);
/// The same with nodes, events and the last evidence's threads: `unwedgectl --json show VM`.
boost::json::object details(const vm_watcher&);

}  // namespace unwedge::watch
