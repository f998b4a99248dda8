// What lies beside an incident's journal besides the evidence, as text. Pure; what is hostile is bounded,
// made UTF-8 and freed of secrets here.
#pragma once

#include "daemon/evidence/command_line.hpp"
#include "qmp/message_history.hpp"

#include <boost/json.hpp>

#include <expected>
#include <string>

namespace unwedge::watch {

/// qmp-history.json: an object with the lines in "messages", one line of text each.
std::string history_json(qmp::message_history&, qmp::message_history::wall_time now);

/// Path of the program, command line without its secrets.
boost::json::object process_json(const std::string& exe,
                                 const std::expected<evidence::command_line, std::string>&);

}  // namespace unwedge::watch
