// What unwedgectl shows people: the daemon's JSON contracts in, text out. Pure functions; whatever the JSON
// holds, they throw nothing and let no control character through.
#pragma once

#include "daemon/ctl/table.hpp"

#include <boost/json.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace unwedge::ctl {

/// `unwedgectl list`: a row a VM, those in trouble first, what is wrong with each and what holds it under its
/// row, a count at the end.
std::string render_list(const boost::json::array& vms, const view& to);

/// `unwedgectl show VM`.
std::string render_vm(const boost::json::object& vm, const view& to);

/// `unwedgectl inspect VM`: the VM, its verdict, the wait chain, its threads, with their frames where there
/// are any.
std::string render_inspection(const boost::json::object& inspection, const view& to);

/// `unwedgectl incidents`.
std::string render_incidents(const boost::json::array& incidents, const view& to);

/// `unwedgectl incident ID`.
std::string render_incident(const boost::json::object& incident, const view& to);

/// `unwedgectl events`: all of them, or the heading and then each as it comes, in the same columns.
std::string render_events(const boost::json::array& events, const view& to);
std::string render_events_heading(const view& to);
std::string render_event(const boost::json::object& event, const view& to);

/// `unwedgectl policies`: a row a policy in the daemon's order, what it is for and its source under its row.
std::string render_policies(const boost::json::array& policies, const view& to);

/// `unwedgectl hold`: the daemon's answer in a sentence, with how to undo it. `asked` is how long was asked
/// for.
std::string render_hold(const boost::json::value& answer, std::optional<std::chrono::seconds> asked,
                        const view& to);

/// `unwedgectl release`: whether it was held, and what `vms` (as for `list`; null if unknown) tells of other
/// holds.
std::string render_release(const boost::json::value& answer, const boost::json::value& vms, const view& to);

/// `unwedgectl act`: what it would mean, how long it takes already, what came of it.
std::string render_act_plan(const boost::json::object& act);
std::string render_act_progress(std::string_view action, std::chrono::nanoseconds since);
std::string render_act(const boost::json::object& act);

/// Pieces shared by the above.
style style_of_state(std::string_view state);
std::string job_progress(const boost::json::object& job);       ///< "41 %", or "" if unknown
std::string migration_in_words(const boost::json::object& vm);  ///< "active 41 %", "-"
std::string or_dash(std::string text);
std::string hold_in_words(const boost::json::object& hold,
                          const view& to);  ///< "until ... by the operator: ..."
std::vector<std::string> conditions_in_words(const boost::json::object& vm,
                                             const view& to);  ///< a sentence each
std::string conditions_section(const boost::json::object& vm, const view& to);
std::string verdict_block(const boost::json::object& verdict, const view& to);

}  // namespace unwedge::ctl
