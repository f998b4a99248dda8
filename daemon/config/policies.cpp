#include "daemon/config/policies.hpp"

#include "daemon/config/policy_ladder.hpp"
#include "daemon/config/policy_values.hpp"
#include "daemon/config/reader.hpp"

#include <algorithm>

namespace unwedge::config {

namespace {

using namespace std::chrono_literals;
using policies::policy;

/// Of a list, where none would mean all: nobody who writes an empty one down has that in mind.
std::vector<std::string> read_some(table_reader& in, std::string_view key, std::string_view noun,
                                   parsed<std::string> (*parse)(std::string_view)) {
  const auto* value = in.find(key);
  const auto* elements = value == nullptr ? nullptr : std::get_if<array>(&value->value);
  if (elements != nullptr && elements->empty()) {
    in.report(value->at, fmt::format("`{}` is empty, expected at least one", key));
  }
  return in.list(key, noun, parse);
}

/// False: there is one variant only, or (the guard's) all are one matter. `states` could only switch the
/// policy off.
bool has_states(policies::condition_kind condition) {
  using policies::condition_kind;
  return condition != condition_kind::mirror_at_switchover &&
         condition != condition_kind::switchover_overdue && condition != condition_kind::guest_io_stall &&
         condition != condition_kind::process_gone;
}

void read_states(table_reader& top, std::optional<policies::condition_kind> condition, policy& to) {
  to.states = read_some(top, "states", "states", parse_state);
  const auto* value = top.find("states");
  if (value == nullptr || !condition || has_states(*condition)) return;
  top.report(value->at, fmt::format("`states` in a policy for {}, which is not told apart by states",
                                    to_string(*condition)));
}

void read_match(table_reader& top, policy& to, problem_list& problems) {
  const auto* from = top.find("match");
  table_reader in{top.inner("match"), "[match]", problems};
  const bool empty = in.find("names") == nullptr && in.find("uuids") == nullptr;
  if (from != nullptr && std::holds_alternative<table>(from->value) && empty) {
    in.report(from->at, "a [match] without `names` or `uuids`, expected one of them");
  }
  to.match.names = read_some(in, "names", "patterns", parse_vm_glob);
  to.match.uuids = read_some(in, "uuids", "UUIDs", parse_uuid);
  in.finish();
}

void read_budget(const node& from, policy& to, problem_list& problems) {
  table_reader in{from, "[budget]", problems};
  set(to.budget.per_vm, in.count("per_vm", 0, 10'000));
  set(to.budget.per_host, in.count("per_host", 0, 100'000));
  set(to.budget.window, in.duration("window", 1s, 30 * 24h));
  in.finish();
}

/// What a policy's authority has to be for this action. That a VM allows a lease is asked at the lease: the
/// rungs before it are for other VMs, too.
policies::authority said_for(policies::action_kind action) {
  const auto needed = policies::needed_for(action);
  return needed == policies::authority::rescue ? policies::authority::protect : needed;
}

/// A ladder that ends VMs says so in its authority: nobody is to find out by reading its rungs.
void check_authority(table_reader& top, const policy& of) {
  for (const auto& rung : of.ladder) {
    const auto needed = said_for(rung.action);
    if (needed <= of.needs) continue;
    const auto* value = top.find("authority");
    const auto* ladder = top.find("ladder");
    return top.report(value != nullptr ? value->at : ladder->at,
                      fmt::format("`authority` is `{}`{}, expected `{}`, which {} in its `ladder` needs",
                                  to_string(of.needs), value != nullptr ? "" : " (by default)",
                                  to_string(needed), to_string(rung.action)));
  }
}

/// `ladder_known`: all rungs were read, so that one can say what is not among them.
void read_guard(table_reader& top, policy& to, bool ladder_known, problem_list& problems) {
  const auto* value = top.find("guard");
  const bool guards = std::ranges::any_of(
      to.ladder, [](const auto& rung) { return rung.action == policies::action_kind::guard_switchover; });
  if (value != nullptr && ladder_known && !guards) {
    top.report(value->at, "a [guard] in a policy without guard-switchover in its `ladder`");
  }
  table_reader in{top.inner("guard"), "[guard]", problems};
  set(to.guard.hold_for, in.duration("hold_for", 1s, 24h));
  set(to.guard.stopped_for, in.duration("stopped_for", 1s, 10min));
  set(to.guard.manager_grace, in.duration("manager_grace", 0s, 10min));
  in.finish();
}

}  // namespace

std::expected<policy, std::vector<problem>> parse_policy(std::string_view text, std::string_view file_name,
                                                         std::string_view policy_name) {
  const auto root = read_document(text, file_name);
  if (!root) return std::unexpected(std::vector{root.error()});
  problem_list problems{file_name};
  table_reader top{*root, "", problems};
  policy result{.name = std::string{policy_name}, .source = std::string{file_name}};
  const auto condition = read_condition(top);
  set(result.condition, condition);
  set(result.description, top.text("description", parse_description));
  read_states(top, condition, result);
  set(result.patience, top.duration("patience", 0s, 24h));
  const auto ladder = read_ladder(top, condition, problems);
  set(result.ladder, ladder);
  set(result.needs, top.authority("authority"));
  check_authority(top, result);
  set(result.enabled, top.boolean("enabled"));
  set(result.dry_run, top.boolean("dry_run"));
  set(result.cooldown, top.duration("cooldown", 0s, 24h));
  read_match(top, result, problems);
  read_budget(top.inner("budget"), result, problems);
  read_guard(top, result, ladder.has_value(), problems);
  top.finish();
  auto found = std::move(problems).sorted();
  if (!found.empty()) return std::unexpected(std::move(found));
  return result;
}

}  // namespace unwedge::config
