#include "policies/conditions/conditions.hpp"
#include "policies/sentence.hpp"

#include <fmt/format.h>

namespace unwedge::policies::holds {

/// pre-switchover waits for somebody's migrate-continue, with the guest stopped: its manager may have died.
void switchover_overdue(const vm_view& view, conditions& out) {
  const auto& m = view.vm.migration;
  if (!m || m->status != "pre-switchover") return;
  out.push_back(
      {.kind = condition_kind::switchover_overdue, .subject = "", .state = "", .since = m->since, .why = {}});
}

}  // namespace unwedge::policies::holds

namespace unwedge::policies::why_holds {

std::string switchover_overdue(const condition& c, const vm_view& view) {
  return fmt::format(
      "The guest has stood still in pre-switchover for {}, and nobody continues or cancels the migration.",
      in_words(view.now - c.since));
}

}  // namespace unwedge::policies::why_holds
