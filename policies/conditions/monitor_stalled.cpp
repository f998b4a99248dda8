#include "policies/conditions/conditions.hpp"
#include "policies/sentence.hpp"

namespace unwedge::policies::holds {

/// A verdict is what makes it one: a late answer alone proves nothing.
void monitor_stalled(const vm_view& view, conditions& out) {
  if (view.stall == nullptr) return;
  const auto kind = view.stall->kind;
  if (is_only_late(kind) || kind == verdict_kind::gone) return;
  out.push_back({.kind = condition_kind::monitor_stalled,
                 .subject = "",
                 .state = std::string(to_string(kind)),
                 .since = view.stall->since,
                 .why = {}});
}

}  // namespace unwedge::policies::holds

namespace unwedge::policies::why_holds {

std::string monitor_stalled(const condition&, const vm_view& view) {
  return view.stall != nullptr ? sentence(*view.stall, view.vm) : std::string();
}

}  // namespace unwedge::policies::why_holds
