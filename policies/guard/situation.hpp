// What the switchover guard sees at one look: the migration, the mirrors beside it, which of them are dead.
// Pure.
#pragma once

#include "policies/guard/copies.hpp"
#include "policies/ladder_run.hpp"

#include <initializer_list>
#include <vector>

namespace unwedge::policies::guard {

class situation {
 public:
  explicit situation(const run_input& in);

  const run_input& in;
  const vm_model& vm;
  const std::vector<copy> all;  ///< the mirrors that matter

  /// This VM is the source of a migration that runs.
  bool migrates() const;
  bool at_pre_switchover() const;
  /// Until its memory is being sent no more.
  bool before_the_switchover() const;
  /// The capabilities were read after the last of the mirrors had appeared: its manager may have set them
  /// before.
  bool settings_are_fresh() const;
  /// How long the guest has stood still in pre-switchover.
  duration stopped_for() const;
  /// How long nothing has changed there: neither the migration nor a mirror.
  duration quiet_for() const;

  /// All mirrors are in one of these states; true if there is none.
  bool all_are(std::initializer_list<copy_state>) const;
  const copy* first(copy_state) const;

  /// A mirror whose target is dead (io_health.hpp) for the patience, while its job got nowhere. While the
  /// guest stands still: one that is silent at the end of the bound for that.
  bool is_dead(const copy&) const;
  const copy* dead() const;  ///< the first of them
  /// The target of some mirror has owed an answer for a second: it may be dead, or slow.
  bool doubtful() const;
  /// The connection of each target has been seen well since the migration began, or nothing can be seen of
  /// it.
  bool targets_answer() const;
};

}  // namespace unwedge::policies::guard
