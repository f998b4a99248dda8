// Records and incidents as JSON text.
#include "daemon/incident/journal.hpp"
#include "daemon/incident/timestamp.hpp"
#include "daemon/incident/utf8.hpp"

#include <fmt/core.h>

namespace unwedge::incidents {

namespace json = boost::json;

std::expected<json::object, std::string> parse_line(std::string_view line) {
  if (line.size() >= max_line_bytes) return std::unexpected("a line above 1 MiB");
  boost::system::error_code ec;
  auto value = json::parse(line, ec);
  if (ec) return std::unexpected(fmt::format("no JSON: {}", ec.message()));
  if (!value.is_object()) return std::unexpected("JSON, but no object");
  return std::move(value.get_object());
}

std::expected<std::string, std::string> to_line(const json::object& record) {
  // On the whole line, not on each string: JSON's own characters are ASCII, so repairing leaves them alone.
  auto line = repaired_utf8(json::serialize(record));
  if (auto again = parse_line(line); !again) {
    return std::unexpected(fmt::format("a record that could not be read again: {}", again.error()));
  }
  line += '\n';
  return line;
}

namespace {

json::object to_json(const policies::incident_step& step) {
  json::object out{{"at", to_rfc3339(step.at)},   {"action", step.action}, {"arguments", step.arguments},
                   {"authority", step.authority}, {"result", step.result}, {"took_ms", step.took.count()}};
  if (!step.undo.empty()) out["undo"] = step.undo;
  return out;
}

json::object to_json(const policies::incident_note& note) {
  return {{"at", to_rfc3339(note.at)}, {"text", note.text}};
}

}  // namespace

json::object to_json(const policies::incident& in) {
  json::array steps, notes;
  for (const auto& note : in.notes) notes.emplace_back(to_json(note));
  for (const auto& step : in.steps) steps.emplace_back(to_json(step));
  return {{"id", in.id},
          {"vm", in.vm},
          {"pid", in.pid},
          {"condition", in.condition},
          {"policy", in.policy},
          {"subject", in.subject},
          {"why", in.why},
          {"opened", to_rfc3339(in.opened)},
          {"closed", in.closed ? json::value(to_rfc3339(*in.closed)) : json::value(nullptr)},
          {"outcome", in.outcome},
          {"verdict", in.verdict},
          {"steps", std::move(steps)},
          {"notes", std::move(notes)}};
}

}  // namespace unwedge::incidents
