// What lies beside an incident's journal, for those who ask for the incident. For operator_methods.cpp.
#pragma once

#include "daemon/incident/store.hpp"

#include <boost/json.hpp>

#include <string>

namespace unwedge {

/// Adds to an incident's JSON: `files` (name, bytes), `events` (the VM's last before it), `sample` (the last
/// of the evidence, or null), `nodes` (the VM's, to tell whose a connection is) and `evidence` (how much
/// there is of it). Blocks on the disk.
void add_files(boost::json::object& incident, const incidents::store& s, const std::string& id);

}  // namespace unwedge
