#include "daemon/watch/vm_precautions.hpp"

namespace unwedge::watch {

void vm_precautions::remember() {
  if ((saved_ = vm_.shared.precautions.find(*process_.held))) engine_.remember(*saved_);
}

void vm_precautions::save() {
  if (!process_.held) return;
  auto left = engine_.left_in_qemu();
  if (left == saved_) return;
  saved_ = left;
  vm_.shared.precautions.put(*process_.held, std::move(left), vm_.shared.store);
}

}  // namespace unwedge::watch
