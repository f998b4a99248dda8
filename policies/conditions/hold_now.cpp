#include "policies/conditions/conditions.hpp"

namespace unwedge::policies {
namespace {

using predicate = conditions (*)(const vm_view&);

/// Of a VM whose monitor talks; the others are about what no monitor says.
constexpr std::array<predicate, 6> of_a_talking_vm{holds::mirror_stalled,
                                                   holds::mirror_at_switchover,
                                                   holds::migration_no_progress,
                                                   holds::switchover_overdue,
                                                   holds::job_stuck,
                                                   holds::guest_io_stall};

void append(conditions& to, conditions&& some) {
  for (auto& c : some) to.push_back(std::move(c));
}

}  // namespace

conditions hold_now(const vm_view& view) {
  if (!view.alive) return holds::process_gone(view);
  conditions out = holds::monitor_stalled(view);
  if (!view.talking) return out;
  for (const auto holds : of_a_talking_vm) append(out, holds(view));
  return out;
}

}  // namespace unwedge::policies
