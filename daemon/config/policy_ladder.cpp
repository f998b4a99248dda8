#include "daemon/config/policy_ladder.hpp"

namespace unwedge::config {

namespace {

using namespace std::chrono_literals;
using policies::action_kind;
using policies::condition_kind;
using policies::rung;

constexpr std::size_t max_rungs = 8;
constexpr std::string_view ladder_form = "an array of rungs such as [{ action = \"report\" }]";

using names = std::vector<std::string_view>;

/// The actions that make sense for the condition; all, as long as that is not known.
names actions_for(std::optional<condition_kind> condition) {
  auto all = policies::action_names();
  std::erase_if(all, [&](std::string_view name) {
    return condition && !policies::applies_to(policies::parse_action(name).value(), *condition);
  });
  return all;
}

names conditions_for(action_kind action) {
  auto all = policies::condition_names();
  std::erase_if(all, [&](std::string_view name) {
    return !policies::applies_to(action, policies::parse_condition(name).value());
  });
  return all;
}

/// Nothing if the action is missing, unknown or for another condition, which is reported.
std::optional<action_kind> read_action(table_reader& in, position rung_at,
                                       std::optional<condition_kind> condition) {
  const auto fitting = actions_for(condition);
  const auto* value = in.find("action");
  if (value == nullptr) {
    in.report(rung_at, fmt::format("a rung without `action`, expected {}", one_of(fitting)));
    return std::nullopt;
  }
  const auto action = in.choice("action", policies::parse_action, fitting);
  if (!action || !condition || policies::applies_to(*action, *condition)) return action;
  in.report(value->at,
            fmt::format("`action` is `{}`, which is for {}; for {} expected {}", to_string(*action),
                        one_of(conditions_for(*action)), to_string(*condition), one_of(fitting)));
  return std::nullopt;
}

/// Nothing if anything in it was reported.
std::optional<rung> read_rung(table_reader& top, const node& from, std::optional<condition_kind> condition,
                              problem_list& problems) {
  if (!std::holds_alternative<table>(from.value)) {
    top.report(from.at, fmt::format("`ladder` holds {}, expected tables such as {{ action = \"report\" }}",
                                    kind_of(from)));
    return std::nullopt;
  }
  table_reader in{from, "[[ladder]]", problems};
  const auto action = read_action(in, from.at, condition);
  const bool bounded = in.find("verify_within") != nullptr;
  const auto verify_within = in.duration("verify_within", 100ms, 10min);
  in.finish();
  if (!action || (bounded && !verify_within)) return std::nullopt;
  rung result{.action = *action};
  set(result.verify_within, verify_within);
  return result;
}

}  // namespace

std::optional<condition_kind> read_condition(table_reader& top) {
  const auto all = policies::condition_names();
  if (top.find("condition") == nullptr) {
    top.report({}, fmt::format("has no `condition`, expected {}", one_of(all)));
  }
  return top.choice("condition", policies::parse_condition, all);
}

std::optional<std::vector<rung>> read_ladder(table_reader& top, std::optional<condition_kind> condition,
                                             problem_list& problems) {
  const auto* value = top.find("ladder");
  if (value == nullptr) {
    top.report({}, fmt::format("has no `ladder`, expected {}", ladder_form));
    return std::nullopt;
  }
  const auto* elements = std::get_if<array>(&value->value);
  if (elements == nullptr) {
    top.report(value->at, fmt::format("`ladder` is {}, expected {}", kind_of(*value), ladder_form));
    return std::nullopt;
  }
  if (elements->empty() || elements->size() > max_rungs) {
    top.report(value->at,
               fmt::format("`ladder` has {} rungs, expected 1 to {}", elements->size(), max_rungs));
    return std::nullopt;
  }
  std::vector<rung> rungs;
  for (const auto& element : *elements) {
    if (const auto one = read_rung(top, element, condition, problems)) rungs.push_back(*one);
  }
  if (rungs.size() != elements->size()) return std::nullopt;
  return rungs;
}

}  // namespace unwedge::config
