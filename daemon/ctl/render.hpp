// What unwedgectl shows people: the daemon's JSON contracts in, text out. Pure functions; whatever the JSON
// holds, they throw nothing and let no control character through.
#pragma once

#include "daemon/ctl/table.hpp"

#include <boost/json.hpp>

#include <string>
#include <string_view>

namespace unwedge::ctl {

/// `unwedgectl list`: a row a VM, those in trouble first, each verdict's sentence under its row, a count at
/// the end.
std::string render_list(const boost::json::array& vms, const view& to);

/// `unwedgectl show VM`.
std::string render_vm(const boost::json::object& vm, const view& to);

/// `unwedgectl incidents`.
std::string render_incidents(const boost::json::array& incidents, const view& to);

/// `unwedgectl incident ID`.
std::string render_incident(const boost::json::object& incident, const view& to);

/// `unwedgectl events`: all of them, or the heading and then each as it comes, in the same columns.
std::string render_events(const boost::json::array& events, const view& to);
std::string render_events_heading(const view& to);
std::string render_event(const boost::json::object& event, const view& to);

/// Pieces shared by the above.
style style_of_state(std::string_view state);
std::string job_progress(const boost::json::object& job);       ///< "41 %", or "" if unknown
std::string migration_in_words(const boost::json::object& vm);  ///< "active 41 %", "-"
std::string verdict_block(const boost::json::object& verdict, const view& to);

}  // namespace unwedge::ctl
