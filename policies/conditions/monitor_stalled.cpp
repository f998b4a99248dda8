#include "policies/conditions/conditions.hpp"
#include "policies/sentence.hpp"

namespace unwedge::policies::holds {

/// A verdict is what makes it one: a late answer alone proves nothing.
conditions monitor_stalled(const vm_view& view) {
  if (view.stall == nullptr) return {};
  const auto kind = view.stall->kind;
  if (kind == verdict_kind::main_loop_busy || kind == verdict_kind::gone) return {};
  return {{.kind = condition_kind::monitor_stalled,
           .subject = "",
           .state = std::string(to_string(kind)),
           .since = view.stall->since,
           .why = sentence(*view.stall, view.vm)}};
}

}  // namespace unwedge::policies::holds
