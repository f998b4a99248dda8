#include "policies/condition.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace unwedge::policies {
namespace {

constexpr std::array<std::pair<condition_kind, std::string_view>, 8> names{{
    {condition_kind::monitor_stalled, "monitor-stalled"},
    {condition_kind::mirror_stalled, "mirror-stalled"},
    {condition_kind::mirror_at_switchover, "mirror-at-switchover"},
    {condition_kind::migration_no_progress, "migration-no-progress"},
    {condition_kind::switchover_overdue, "switchover-overdue"},
    {condition_kind::job_stuck, "job-stuck"},
    {condition_kind::guest_io_stall, "guest-io-stall"},
    {condition_kind::process_gone, "process-gone"},
}};

}  // namespace

std::string_view to_string(condition_kind kind) {
  const auto found = std::ranges::find(names, kind, &decltype(names)::value_type::first);
  return found == names.end() ? "unknown" : found->second;
}

std::optional<condition_kind> parse_condition(std::string_view text) {
  const auto found = std::ranges::find(names, text, &decltype(names)::value_type::second);
  if (found == names.end()) return std::nullopt;
  return found->first;
}

std::vector<std::string_view> condition_names() {
  std::vector<std::string_view> out;
  for (const auto& [kind, name] : names) out.push_back(name);
  return out;
}

}  // namespace unwedge::policies
