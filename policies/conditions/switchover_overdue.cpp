#include "policies/conditions/conditions.hpp"
#include "policies/sentence.hpp"

#include <fmt/format.h>

namespace unwedge::policies::holds {

/// pre-switchover waits for somebody's migrate-continue, with the guest stopped: its manager may have died.
conditions switchover_overdue(const vm_view& view) {
  const auto& m = view.vm.migration;
  if (!m || m->status != "pre-switchover") return {};
  return {{.kind = condition_kind::switchover_overdue,
           .subject = "",
           .state = "",
           .since = m->since,
           .why = fmt::format(
               "The guest has stood still in pre-switchover for {}, and nobody continues or cancels "
               "the migration.",
               in_words(view.now - m->since))}};
}

}  // namespace unwedge::policies::holds
