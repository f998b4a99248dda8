// What a migration beside mirrors calls for at each moment. Told to operators in docs/policies.md. Pure.
//
//   active, a mirror copies         the brake is pressed: it cannot come to its switchover
//   active, a target doubtful       likewise, also when all are READY
//   active, all READY and alive     the brake is released
//   active, a target dead           migrate_cancel; once QEMU has taken it, at once yank of the target:
//                                   before the switchover that survives
//   pre-switchover, all READY       soft cancel of each, wait for all to conclude without error,
//                                   migrate-continue
//   pre-switchover, not READY       wait within the bound, then migrate_cancel
//   pre-switchover, a target dead   yank of the target, wait for its job to fail, then migrate_cancel
//   a mirror failed                 migrate_cancel, before the switchover: never migrate-continue
//   how the mirrors ended was not   migrate_cancel: nothing is concluded from an empty list
//   seen by this run
#pragma once

#include "policies/guard/brake.hpp"
#include "policies/guard/situation.hpp"

#include <optional>
#include <string>

namespace unwedge::policies::guard {

/// A command, and why.
struct wish {
  policies::step step;
  std::string why;
  bool of_silence = false;  ///< because something was silent for too long: not on a host that starves
};

/// What the guard did so far, as far as it matters to what comes next.
struct so_far {
  const brake& by_brake;
  bool ours_to_drive = false;       ///< nobody else continues this migration
  bool ours_to_end = false;         ///< we armed it, or concluded its mirrors: nobody else will continue it
  bool meant_to_cancel = false;     ///< and it had begun to cancel a migration for them
  bool mirrors_unseen = false;      ///< they may have ended while no run of the daemon watched
  bool cancelled_for_dead = false;  ///< QEMU has taken migrate_cancel for a dead target: its yank must follow
  const std::vector<policies::step>& tried;
};

std::optional<wish> next_wish(const situation&, const so_far&);

/// The yank of a dead target. Before that of a mirror in an iothread vm_stop must be over, or not come any
/// more (qemu-facts 8.2).
std::optional<wish> yank_dead_target(const situation&, const so_far&);

/// This step is what the situation asks for, looked at once more at the last moment.
bool still_right(const policies::step&, const situation&, const so_far&);

}  // namespace unwedge::policies::guard
