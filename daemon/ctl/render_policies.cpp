#include "daemon/ctl/json_text.hpp"
#include "daemon/ctl/printable.hpp"
#include "daemon/ctl/render.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace unwedge::ctl {
namespace {

namespace json = boost::json;

/// "web*, db01" of an array of texts.
std::string listed(const json::array* texts) {
  std::string out;
  if (texts == nullptr) return out;
  for (auto const& each : *texts) out += (out.empty() ? "" : ", ") + brief(each);
  return out;
}

/// "yank-target (10 s), cancel-job": what has nothing to verify has no time, either.
std::string ladder_in_words(const json::object& policy) {
  auto const* ladder = array_at(policy, "ladder");
  std::string out;
  if (ladder == nullptr) return out;
  for (auto const& each : *ladder) {
    auto const* rung = each.if_object();
    if (rung == nullptr) continue;
    auto const action = text_at(*rung, "action");
    auto const within = text_at(*rung, "verify_within");
    out += (out.empty() ? "" : ", ") + printable(action);
    bool const verified = action != "report" && action != "guard-switchover";
    if (verified && !within.empty()) out += fmt::format(" ({})", printable(within));
  }
  return out;
}

/// Off by an explicit `false` only: an older daemon may not say.
bool is_off(const json::object& policy) {
  auto const* enabled = policy.if_contains("enabled");
  return enabled != nullptr && enabled->is_bool() && !enabled->get_bool();
}

cell ladder_cell(const json::object& policy) {
  auto const ladder = or_dash(ladder_in_words(policy));
  if (is_off(policy)) return {"off: " + ladder, style::dim};
  if (flag_at(policy, "dry_run")) return {"dry run: " + ladder, style::doubtful};
  return {ladder};
}

/// A policy that only reports does so under any authority.
std::string needed(const json::object& policy) {
  auto const* ladder = array_at(policy, "ladder");
  bool const acts = ladder == nullptr || !std::ranges::all_of(*ladder, [](const json::value& rung) {
                      return rung.is_object() && text_at(rung.get_object(), "action") == "report";
                    });
  return acts ? or_dash(printable(text_at(policy, "authority"))) : "-";
}

std::string count_at(const json::object& policy, std::string_view key) {
  auto const count = number_at(policy, key);
  return count ? fmt::format("{:.0f}", *count) : "-";
}

/// " VMs: web*, db01. States: pending." where it is not for all.
std::string limits(const json::object& policy) {
  std::string vms;
  if (auto const* match = object_at(policy, "match")) {
    auto const names = listed(array_at(*match, "names"));
    auto const uuids = listed(array_at(*match, "uuids"));
    vms = names + (names.empty() || uuids.empty() ? "" : ", ") + uuids;
  }
  auto const states = listed(array_at(policy, "states"));
  return (vms.empty() ? "" : " VMs: " + vms + '.') + (states.empty() ? "" : " States: " + states + '.');
}

/// "A copy whose target is dead is given up. VMs: web*. Built in."
std::string explanation(const json::object& policy) {
  auto out = printable(text_at(policy, "description"));
  if (!out.empty() && !out.ends_with('.')) out += '.';
  out += limits(policy);
  auto const source = printable(text_at(policy, "source"));
  if (!source.empty()) out += source == "built in" ? " Built in." : fmt::format(" From {}", source);
  return out.starts_with(' ') ? out.substr(1) : out;
}

/// None for a policy that waits no longer than its condition does by itself.
std::string patience_of(const json::object& policy) {
  auto const patience = text_at(policy, "patience");
  return patience == "0.0 s" ? "-" : or_dash(printable(patience));
}

row row_of(const json::object& policy) {
  auto const open = count_at(policy, "incidents_open");
  row made{{{or_dash(printable(text_at(policy, "name")))},
            {or_dash(printable(text_at(policy, "condition")))},
            ladder_cell(policy),
            {patience_of(policy)},
            {needed(policy)},
            {count_at(policy, "matches")},
            {open, open == "0" || open == "-" ? style::plain : style::doubtful},
            {count_at(policy, "steps_done")}}};
  auto below = explanation(policy);
  if (!below.empty()) made.below.push_back(std::move(below));
  return made;
}

/// For a terminal that is not wide enough: what would be cut stands under the row instead.
std::string compact_table(std::vector<column> columns, std::vector<row> rows, const view& to) {
  for (auto& r : rows) {
    r.below.insert(r.below.begin(), fmt::format("{}: {}", r.cells[1].text, r.cells[2].text));
    r.cells.erase(r.cells.begin() + 1, r.cells.begin() + 3);
  }
  columns.erase(columns.begin() + 1, columns.begin() + 3);
  return table(columns, rows, to);
}

}  // namespace

std::string render_policies(const json::array& policies, const view& to) {
  std::vector<row> rows;
  for (auto const& each : policies) {
    if (auto const* policy = each.if_object()) rows.push_back(row_of(*policy));
  }
  if (rows.empty()) return "no policies: nothing is done about any condition\n";
  std::vector<column> const columns{{"NAME", 12}, {"CONDITION"}, {"WHAT IT DOES"}, {"PATIENCE"},
                                    {"NEEDS"},    {"VMS"},       {"OPEN"},         {"STEPS"}};
  bool const fits = to.width == 0 || width_of(columns, rows) <= to.width;
  return fits ? table(columns, rows, to) : compact_table(columns, rows, to);
}

}  // namespace unwedge::ctl
