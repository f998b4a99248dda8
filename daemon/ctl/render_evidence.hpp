// What an incident's evidence shows at a glance: the wait chain, the signatures that match, how much there is
// of it. Parts of render_incident.
#pragma once

#include "daemon/ctl/table.hpp"

#include <boost/json.hpp>

#include <string>

namespace unwedge::ctl {

/// From the last sample; "" without one.
std::string wait_chain_section(const boost::json::object& incident, const view& to);

/// Of the verdict; "" if none matches.
std::string signatures_section(const boost::json::object& incident, const view& to);

/// "Evidence: 8 samples, stacks, 214 QMP messages, host; all of it: ..."; "" from a daemon that tells none.
std::string evidence_line(const boost::json::object& incident, const view& to);

}  // namespace unwedge::ctl
