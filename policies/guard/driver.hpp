// Who brings a migration that waits in pre-switchover over its end: its manager, or the guard. Two who do it
// at once would hurt each other's work; nobody, and the guest stands still. Pure.
#pragma once

#include "policies/guard/situation.hpp"

#include <vector>

namespace unwedge::policies::guard {

/// What the guard has done for this migration.
struct own_part {
  bool armed = false;    ///< pause-before-switchover is on by us
  bool took_up = false;  ///< an earlier run of the daemon had begun with it
  const std::vector<step>& tried;
};

/// Nobody else continues this migration. A manager that guards its own switchovers concludes its mirrors
/// itself, at once; if nothing came of it after the grace, it has died. That we switched
/// pause-before-switchover on does not prove that it did not.
bool ours_to_drive(const situation&, const own_part&);

/// We armed it, or concluded its mirrors: nobody else knows that it must be continued.
bool ours_to_end(const situation&, const own_part&);

}  // namespace unwedge::policies::guard
