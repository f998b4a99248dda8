#include "daemon/watch/papers.hpp"

#include "daemon/incident/timestamp.hpp"
#include "daemon/incident/utf8.hpp"
#include "policies/redaction.hpp"

#include <fmt/format.h>

namespace unwedge::watch {
namespace {

namespace json = boost::json;
using qmp::message_history;

std::string_view to_string(message_history::direction d) {
  switch (d) {
    case message_history::direction::sent:
    case message_history::direction::sent_out_of_band:
      return "sent";
    case message_history::direction::received:
      return "received";
    case message_history::direction::note:
      return "note";
  }
  return "unknown";
}

json::object to_json(const message_history::line& l) {
  json::object o{{"at", incidents::to_rfc3339(l.first)}, {"direction", to_string(l.went)}};
  if (l.count > 1) {
    o["count"] = l.count;
    o["last_at"] = incidents::to_rfc3339(l.last);
  }
  if (l.went == message_history::direction::sent_out_of_band) o["out_of_band"] = true;
  if (l.id) o["id"] = *l.id;
  o["bytes"] = l.length;
  o["text"] = incidents::repaired_utf8(policies::redacted(l.text));
  return o;
}

}  // namespace

std::string history_json(message_history& history, message_history::wall_time now) {
  const auto lines = history.lines();
  json::object head{
      {"written", incidents::to_rfc3339(now)},
      {"count", lines.size()},
      {"left_out", history.left_out()},
      {"note",
       fmt::format(
           "The monitor's last messages, oldest first. \"text\" is what is left of \"bytes\": {} bytes of "
           "a query or its answer, {} of the rest; a command is its name and arguments. \"count\": that "
           "query and answer came so often, from \"at\" to \"last_at\", with nothing but queries in "
           "between.",
           message_history::query_bytes, message_history::text_bytes)}};
  auto out = json::serialize(head);
  out.pop_back();
  out += ",\"messages\":[";
  for (const auto* separator = "\n"; const auto& l : lines) {
    out += separator + json::serialize(to_json(l));
    separator = ",\n";
  }
  return out + "\n]}\n";
}

json::object process_json(const std::string& exe,
                          const std::expected<evidence::command_line, std::string>& line) {
  json::object o{{"exe", incidents::repaired_utf8(exe)}};
  if (!line) {
    o["missing"] = line.error();
    return o;
  }
  json::array arguments;
  for (const auto& argument : policies::redacted(line->arguments))
    arguments.emplace_back(incidents::repaired_utf8(argument));
  o["command_line"] = std::move(arguments);
  if (line->cut) o["cut"] = true;
  return o;
}

}  // namespace unwedge::watch
