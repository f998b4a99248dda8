// What conditions and policies look at: one VM at one instant. Cheap to make; views what it refers to.
#pragma once

#include "policies/io_health.hpp"
#include "policies/verdict.hpp"
#include "policies/vm_model.hpp"

namespace unwedge::policies {

struct vm_view {
  const vm_model& vm;
  const io_health& io;
  instant now;
  bool alive = true;    ///< the process has not ended
  bool talking = true;  ///< there is a session, and nothing is overdue: what the model says is true
  bool settled = true;  ///< and no answer is missing that the last events call for
  const verdict* stall = nullptr;  ///< why the main loop does not answer, if that is known
};

}  // namespace unwedge::policies
