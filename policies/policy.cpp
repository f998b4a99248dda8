#include "policies/policy.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <utility>

namespace unwedge::policies {
namespace {

constexpr std::array<std::pair<action_kind, std::string_view>, 15> names{{
    {action_kind::report, "report"},
    {action_kind::yank_root, "yank-root"},
    {action_kind::sever_root, "sever-root"},
    {action_kind::rescue_root, "rescue-root"},
    {action_kind::yank_target, "yank-target"},
    {action_kind::cancel_job, "cancel-job"},
    {action_kind::pause_job, "pause-job"},
    {action_kind::finalize_job, "finalize-job"},
    {action_kind::dismiss_job, "dismiss-job"},
    {action_kind::cancel_migration, "cancel-migration"},
    {action_kind::yank_migration, "yank-migration"},
    {action_kind::guard_switchover, "guard-switchover"},
    {action_kind::flag_core, "flag-core"},
    {action_kind::core, "core"},
    {action_kind::abort, "abort"},
}};

}  // namespace

std::string_view to_string(action_kind kind) {
  const auto found = std::ranges::find(names, kind, &decltype(names)::value_type::first);
  return found == names.end() ? "unknown" : found->second;
}

std::optional<action_kind> parse_action(std::string_view text) {
  const auto found = std::ranges::find(names, text, &decltype(names)::value_type::second);
  if (found == names.end()) return std::nullopt;
  return found->first;
}

std::vector<std::string_view> action_names() {
  std::vector<std::string_view> out;
  for (const auto& [kind, name] : names) out.push_back(name);
  return out;
}

bool applies_to(action_kind action, condition_kind to) {
  switch (action) {
    case action_kind::report:
      return true;
    case action_kind::yank_root:
    case action_kind::sever_root:
    case action_kind::rescue_root:
      return to == condition_kind::monitor_stalled;
    case action_kind::yank_target:
      return to == condition_kind::mirror_stalled;
    case action_kind::cancel_job:
    case action_kind::pause_job:
      return to == condition_kind::mirror_stalled || to == condition_kind::job_stuck;
    case action_kind::finalize_job:
    case action_kind::dismiss_job:
      return to == condition_kind::job_stuck;
    case action_kind::cancel_migration:
    case action_kind::yank_migration:
      return to == condition_kind::migration_no_progress || to == condition_kind::switchover_overdue;
    case action_kind::guard_switchover:
      return to == condition_kind::mirror_at_switchover;
    case action_kind::flag_core:
    case action_kind::core:
      return to == condition_kind::monitor_stalled || to == condition_kind::job_stuck ||
             to == condition_kind::guest_io_stall;
    case action_kind::abort:
      return to == condition_kind::monitor_stalled;
  }
  return false;
}

authority needed_for(action_kind action) {
  if (action == action_kind::abort) return authority::destroy;
  return action == action_kind::rescue_root ? authority::rescue : authority::protect;
}

bool cures_stall(action_kind action) {
  return action == action_kind::yank_root || action == action_kind::sever_root ||
         action == action_kind::rescue_root;
}

bool keeps_evidence(action_kind action) {
  return action == action_kind::flag_core || action == action_kind::core;
}

bool costs_budget(action_kind action) {
  return action != action_kind::report && action != action_kind::flag_core;
}

bool policy::guards_switchovers() const {
  return std::ranges::find(ladder, action_kind::guard_switchover, &rung::action) != ladder.end();
}

bool vm_match::matches(std::string_view name, std::string_view uuid) const {
  if (names.empty() && uuids.empty()) return true;
  const std::string text(name);
  return std::ranges::any_of(
             names, [&](const auto& glob) { return ::fnmatch(glob.c_str(), text.c_str(), 0) == 0; }) ||
         std::ranges::find(uuids, uuid) != uuids.end();
}

}  // namespace unwedge::policies
