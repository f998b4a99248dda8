#include "daemon/ctl/json_text.hpp"
#include "daemon/ctl/printable.hpp"
#include "daemon/ctl/render.hpp"
#include "daemon/ctl/render_evidence.hpp"

#include <fmt/format.h>

#include <functional>
#include <utility>
#include <vector>

namespace unwedge::ctl {
namespace {

namespace json = boost::json;

style style_of_outcome(std::string_view outcome) {
  if (outcome == "recovered" || outcome == "resolved-itself") return style::good;
  if (outcome == "failed") return style::bad;
  return outcome == "open" ? style::doubtful : style::plain;
}

/// How long it lasted, or lasts: "6.2 s", "so far 3 min".
std::string lasted(const json::object& incident, const view& to) {
  auto const closed = parse_time(text_at(incident, "closed"));
  auto const opened = text_at(incident, "opened");
  return closed ? since(opened, *closed) : "so far " + since(opened, to.now);
}

/// When it happened, counted from the incident's beginning: "+0.2 s".
std::string offset_of(const json::object& entry, const json::object& incident) {
  auto const opened = parse_time(text_at(incident, "opened"));
  auto const at = parse_time(text_at(entry, "at"));
  if (!opened || !at) return date_and_time(text_at(entry, "at"));
  return "+" + in_words(std::chrono::duration_cast<std::chrono::milliseconds>(*at - *opened));
}

/// "  policy dead-mirror, about m0"; an incident of an older daemon has neither.
std::string concerns(const json::object& incident) {
  auto const policy = printable(text_at(incident, "policy"));
  auto const subject = printable(text_at(incident, "subject"));
  if (policy.empty() && subject.empty()) return {};
  return fmt::format("  {}{}{}{}\n", policy.empty() ? "" : "policy " + policy,
                     policy.empty() || subject.empty() ? "" : ", ", subject.empty() ? "" : "about ", subject);
}

/// What was wrong: in the words of its beginning, and the verdict as it became.
std::string reason(const json::object& incident, const view& to) {
  auto const* verdict = object_at(incident, "verdict");
  auto const why = text_at(incident, "why");
  std::string out;
  if (!why.empty() && (verdict == nullptr || text_at(*verdict, "sentence") != why))
    out = '\n' + styled("Why", style::heading, to) + '\n' + paragraph(printable(why), 2, to);
  return verdict == nullptr ? out : out + '\n' + verdict_block(*verdict, to);
}

row step_row(const json::object& step, const json::object& incident) {
  auto const offset = offset_of(step, incident);
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

/// A heading and a table of the objects in `list`; nothing if there are none.
std::string section(const json::array* list, const std::string& heading, const std::vector<column>& columns,
                    const view& to, const std::function<row(const json::object&)>& make) {
  std::vector<row> rows;
  if (list != nullptr) {
    for (auto const& each : *list) {
      if (auto const* entry = each.if_object()) rows.push_back(make(*entry));
    }
  }
  if (rows.empty()) return "";
  return '\n' + styled(heading, style::heading, to) + '\n' + table(columns, rows, to);
}

std::string notes(const json::object& incident, const view& to) {
  return section(array_at(incident, "notes"), "Notes", {{"AT"}, {"NOTE", 20}}, to,
                 [&](const json::object& n) {
                   return row{{{offset_of(n, incident)}, {printable(text_at(n, "text"))}}};
                 });
}

std::string last_events(const json::object& incident, const view& to) {
  return section(array_at(incident, "events"), "Last events before it (UTC)",
                 {{"AT"}, {"NAME"}, {"DATA", 10}}, to, [&](const json::object& e) {
                   return row{{{date_and_time(text_at(e, "at"))},
                               {printable(text_at(e, "name"))},
                               {printable(text_at(e, "data"))}}};
                 });
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
  out += concerns(incident);
  auto const opened = text_at(incident, "opened");
  auto const closed = parse_time(text_at(incident, "closed"));
  out += fmt::format("  {} UTC ({} ago), {}\n", date_and_time(opened), since(opened, to.now),
                     closed ? "lasted " + since(opened, *closed) : "still open");
  out += reason(incident, to) + signatures_section(incident, to) + wait_chain_section(incident, to);
  auto const steps = section(array_at(incident, "steps"), "Steps",
                             {{"AT"}, {"ACTION"}, {"ARGUMENTS", 12}, {"AUTHORITY"}, {"TOOK"}, {"RESULT", 10}},
                             to, [&](const json::object& step) { return step_row(step, incident); });
  out += steps.empty() ? '\n' + styled("Steps", style::heading, to) + "\n  none was taken\n" : steps;
  return out + notes(incident, to) + last_events(incident, to) + evidence_line(incident, to);
}

}  // namespace unwedge::ctl
