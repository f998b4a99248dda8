#include "daemon/ctl/json_text.hpp"
#include "daemon/ctl/printable.hpp"
#include "daemon/ctl/render.hpp"

#include <fmt/format.h>

#include <utility>

namespace unwedge::ctl {
namespace {

namespace json = boost::json;

style style_of_outcome(std::string_view outcome) {
  if (outcome == "recovered" || outcome == "resolved-itself") return style::good;
  if (outcome == "failed") return style::bad;
  return outcome == "open" ? style::doubtful : style::plain;
}

std::string or_dash(std::string text) {
  return text.empty() ? "-" : std::move(text);
}

/// How long it lasted, or lasts: "6.2 s", "so far 3 min".
std::string lasted(const json::object& incident, const view& to) {
  auto const closed = parse_time(text_at(incident, "closed"));
  auto const opened = text_at(incident, "opened");
  return closed ? since(opened, *closed) : "so far " + since(opened, to.now);
}

row step_row(const json::object& step, const json::object& incident) {
  auto const opened = parse_time(text_at(incident, "opened"));
  auto const at = parse_time(text_at(step, "at"));
  auto const offset =
      opened && at ? "+" + in_words(std::chrono::duration_cast<std::chrono::milliseconds>(*at - *opened))
                   : date_and_time(text_at(step, "at"));
  auto const* arguments = step.if_contains("arguments");
  auto const result = text_at(step, "result");
  auto const took = duration_at(step, "took_ms");
  bool const failed = result.starts_with("failed");
  return {{{offset},
           {or_dash(printable(text_at(step, "action")))},
           {or_dash(arguments != nullptr && !arguments->is_null() ? brief(*arguments) : std::string())},
           {or_dash(printable(text_at(step, "authority")))},
           {took ? in_words(*took) : "-"},
           {result.empty() ? "under way" : printable(result), failed ? style::bad : style::plain}}};
}

}  // namespace

std::string render_incidents(const json::array& incidents, const view& to) {
  std::vector<row> rows;
  for (auto const& each : incidents) {
    auto const* incident = each.if_object();
    if (incident == nullptr) continue;
    auto const outcome = text_at(*incident, "outcome");
    auto const* verdict = object_at(*incident, "verdict");
    rows.push_back({{{or_dash(printable(text_at(*incident, "id")))},
                     {or_dash(printable(text_at(*incident, "vm")))},
                     {or_dash(printable(text_at(*incident, "condition")))},
                     {verdict == nullptr ? "-" : or_dash(printable(text_at(*verdict, "kind")))},
                     {date_and_time(text_at(*incident, "opened"))},
                     {lasted(*incident, to)},
                     {or_dash(printable(outcome)), style_of_outcome(outcome)}}});
  }
  if (rows.empty()) return "no incidents\n";
  return table(
      {{"ID"}, {"VM", 12}, {"CONDITION", 9}, {"VERDICT", 8}, {"OPENED (UTC)"}, {"LASTED"}, {"OUTCOME"}}, rows,
      to);
}

std::string render_incident(const json::object& incident, const view& to) {
  auto const outcome = text_at(incident, "outcome");
  auto out = fmt::format("{}  {}  {}\n", styled(printable(text_at(incident, "id")), style::heading, to),
                         printable(text_at(incident, "condition")),
                         styled(printable(outcome), style_of_outcome(outcome), to));
  auto const pid = number_at(incident, "pid");
  out += fmt::format("  VM {}{}\n", printable(text_at(incident, "vm")),
                     pid ? fmt::format(", process {:.0f}", *pid) : "");
  auto const opened = text_at(incident, "opened");
  auto const closed = parse_time(text_at(incident, "closed"));
  out += fmt::format("  {} UTC ({} ago), {}\n", date_and_time(opened), since(opened, to.now),
                     closed ? "lasted " + since(opened, *closed) : "still open");
  if (auto const* verdict = object_at(incident, "verdict")) out += '\n' + verdict_block(*verdict, to);
  std::vector<row> rows;
  if (auto const* steps = array_at(incident, "steps")) {
    for (auto const& each : *steps) {
      if (auto const* step = each.if_object()) rows.push_back(step_row(*step, incident));
    }
  }
  out += '\n' + styled("Steps", style::heading, to) + '\n';
  if (rows.empty()) return out + "  none was taken\n";
  return out +
         table({{"AT"}, {"ACTION"}, {"ARGUMENTS", 12}, {"AUTHORITY"}, {"TOOK"}, {"RESULT", 10}}, rows, to);
}

}  // namespace unwedge::ctl
