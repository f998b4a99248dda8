#include "policies/conditions/conditions.hpp"

namespace unwedge::policies::holds {

void process_gone(const vm_view& view, conditions& out) {
  if (view.alive || view.vm.shut_down) return;
  out.push_back({.kind = condition_kind::process_gone,
                 .subject = "",
                 .state = "",
                 .since = view.stall != nullptr ? view.stall->since : view.now,
                 .why = {}});
}

}  // namespace unwedge::policies::holds

namespace unwedge::policies::why_holds {

std::string process_gone(const condition&, const vm_view&) {
  return "The process has ended without a shutdown.";
}

}  // namespace unwedge::policies::why_holds
