#include "policies/conditions/conditions.hpp"

namespace unwedge::policies {
namespace {

using predicate = void (*)(const vm_view&, conditions&);

constexpr std::array<predicate, 6> of_a_talking_vm{holds::mirror_stalled,
                                                   holds::mirror_at_switchover,
                                                   holds::migration_no_progress,
                                                   holds::switchover_overdue,
                                                   holds::job_stuck,
                                                   holds::guest_io_stall};

}  // namespace

void hold_now(const vm_view& view, conditions& out) {
  out.clear();
  if (!view.alive) return holds::process_gone(view, out);
  holds::monitor_stalled(view, out);
  if (!view.talking) return;
  for (const auto holds : of_a_talking_vm) holds(view, out);
}

std::string why(const condition& c, const vm_view& view) {
  switch (c.kind) {
    case condition_kind::monitor_stalled:
      return why_holds::monitor_stalled(c, view);
    case condition_kind::mirror_stalled:
      return why_holds::mirror_stalled(c, view);
    case condition_kind::mirror_at_switchover:
      return why_holds::mirror_at_switchover(c, view);
    case condition_kind::migration_no_progress:
      return why_holds::migration_no_progress(c, view);
    case condition_kind::switchover_overdue:
      return why_holds::switchover_overdue(c, view);
    case condition_kind::job_stuck:
      return why_holds::job_stuck(c, view);
    case condition_kind::guest_io_stall:
      return why_holds::guest_io_stall(c, view);
    case condition_kind::process_gone:
      return why_holds::process_gone(c, view);
  }
  return {};
}

}  // namespace unwedge::policies
