#include "daemon/ctl/json_text.hpp"
#include "daemon/ctl/printable.hpp"
#include "daemon/ctl/render.hpp"

#include <fmt/format.h>

namespace unwedge::ctl {
namespace {

namespace json = boost::json;

std::vector<const json::object*> conditions_of(const json::object& vm) {
  std::vector<const json::object*> out;
  auto const* conditions = array_at(vm, "conditions");
  if (conditions == nullptr) return out;
  for (auto const& each : *conditions) {
    if (auto const* condition = each.if_object()) out.push_back(condition);
  }
  return out;
}

/// The daemon's sentence; "job-stuck m0 for 12 min." if it has none.
std::string sentence_of(const json::object& condition, const view& to) {
  auto const why = text_at(condition, "why");
  if (!why.empty()) return printable(why);
  auto const subject = printable(text_at(condition, "subject"));
  return fmt::format("{}{}{} for {}.", or_dash(printable(text_at(condition, "condition"))),
                     subject.empty() ? "" : " ", subject, since(text_at(condition, "since"), to.now));
}

}  // namespace

std::vector<std::string> conditions_in_words(const json::object& vm, const view& to) {
  std::vector<std::string> out;
  for (auto const* condition : conditions_of(vm)) out.push_back(sentence_of(*condition, to));
  return out;
}

std::string conditions_section(const json::object& vm, const view& to) {
  bool const judged = object_at(vm, "verdict") != nullptr;
  std::vector<row> rows;
  for (auto const* condition : conditions_of(vm)) {
    auto const kind = text_at(*condition, "condition");
    auto& made = rows.emplace_back();
    made.cells = {{or_dash(printable(kind))},
                  {or_dash(printable(text_at(*condition, "subject")))},
                  {or_dash(printable(text_at(*condition, "state")))},
                  {since(text_at(*condition, "since"), to.now)}};
    auto why = printable(text_at(*condition, "why"));
    // The verdict that makes it one stands above, in the same words.
    if (!why.empty() && !(judged && kind == "monitor-stalled")) made.below.push_back(std::move(why));
  }
  if (rows.empty()) return {};
  return '\n' + styled("Conditions", style::heading, to) + '\n' +
         table({{"CONDITION", 12}, {"SUBJECT", 8}, {"STATE", 8}, {"SINCE"}}, rows, to);
}

}  // namespace unwedge::ctl
