// Keeps a migration from completing over a mirror that is not done, and from hanging on one whose target is dead.
// The choreography behind the action guard-switchover; docs/policies.md tells it to operators. A pure state machine.
//
//   a mirror runs, no migration    events and pause-before-switchover are switched on (a precaution)
//   active, a mirror not READY     the migration is slowed down, so that it cannot come to its switchover (hold)
//   active, all READY              released again
//   active, a target dead          migrate_cancel, then yank of the target: before the switchover that survives
//   pre-switchover, all READY      soft cancel of each, wait for all to conclude without error, migrate-continue
//   pre-switchover, not READY      wait within the bound, then migrate_cancel
//   pre-switchover, a target dead  yank of the target, wait for its job to fail, then migrate_cancel
//   a mirror failed                migrate_cancel, in any phase: never migrate-continue
#pragma once

#include "policies/copies.hpp"
#include "policies/ladder_run.hpp"

#include <optional>
#include <string>
#include <vector>

namespace unwedge::policies {

/// The bandwidth of a held migration. An odd number, so that one left behind can be recognised.
inline constexpr std::int64_t held_bandwidth = 1'013;

class switchover_guard {
 public:
  explicit switchover_guard(std::string key) : key_(std::move(key)) {}

  void step(const run_input&, std::vector<decision>& out);
  void step_done(step_outcome outcome, instant now);
  void resume(const record& r);
  void end(std::vector<decision>& out) { close("failed", out); }

  /// True if this step is what the guard asks for, or would, with the evidence as it is now.
  bool confirms(const policies::step&, const run_input&) const;

  bool open() const { return open_; }
  /// True while it must be asked at each look.
  bool on_watch() const { return open_ || asked_to_arm_; }
  bool acting() const { return acting_; }

  /// In a sentence, for surfaces: armed, or why it cannot guard. Empty: there is nothing to guard.
  std::string standing(const run_input&) const;

  /// What must be taken back when the daemon ends while no migration needs it.
  std::vector<policies::step> to_take_back(const vm_model&) const;

 private:
  /// What the situation calls for: a command, and why.
  struct wish {
    policies::step step;
    std::string why;
  };

  void arm(const run_input&, std::vector<decision>& out);
  std::optional<wish> wish_for(const run_input&, const std::vector<copy>& all) const;
  std::optional<wish> while_active(const run_input&, const std::vector<copy>& all) const;
  std::optional<wish> at_pre_switchover(const run_input&, const std::vector<copy>& all) const;
  std::optional<wish> after_the_migration(const run_input&) const;
  std::optional<wish> yank_a_dead_target(const run_input&, const std::vector<copy>& all) const;
  bool armed_by_us(const vm_model&) const;
  bool ours_to_drive(const run_input&) const;
  bool tried(const policies::step&) const;
  void take(const run_input&, wish, std::vector<decision>& out);
  void begin(const run_input&, const std::vector<copy>& all, std::vector<decision>& out);
  void note(std::string text, std::vector<decision>& out);
  void close(std::string outcome, std::vector<decision>& out);
  std::string outcome_at_end(const vm_model&, const std::vector<copy>& all) const;

  std::string key_;
  bool asked_to_arm_ = false;  ///< we switched pause-before-switchover on, for the mirrors that run now
  bool took_up_ = false;       ///< the incident is one of an earlier run of the daemon
  bool cleaned_up_ = false;
  bool open_ = false;
  bool acting_ = false;
  bool acted_ = false;             ///< at least one step of this incident was taken
  bool cancelled_for_dead_ = false;  ///< migrate_cancel was sent for a dead target: its yank must follow at once
  policies::step current_;           ///< the last one taken
  instant again_at_{};               ///< not before then
  std::vector<policies::step> tried_;  ///< in this migration
  std::optional<boost::json::object> held_;  ///< the parameters to go back to; set while the migration is slowed
  instant held_since_{};
  std::string last_note_, recorded_;
  std::size_t next_ = 0;
};

}  // namespace unwedge::policies
