#include "policies/conditions/conditions.hpp"

namespace unwedge::policies::holds {

conditions process_gone(const vm_view& view) {
  if (view.alive || view.vm.shut_down) return {};
  return {{.kind = condition_kind::process_gone,
           .subject = "",
           .state = "",
           .since = view.stall != nullptr ? view.stall->since : view.now,
           .why = "The process has ended without a shutdown."}};
}

}  // namespace unwedge::policies::holds
