// Keeps a migration from completing over a mirror that is not done, and from hanging on one whose target is
// dead: the run behind the action guard-switchover. What is done when is in choreography.hpp, what is set
// before any migration in precautions.hpp; this takes the steps of one migration, opens and closes its
// incident. A pure state machine; the engine of a VM holds one.
#pragma once

#include "policies/guard/account.hpp"
#include "policies/guard/choreography.hpp"
#include "policies/guard/precautions.hpp"
#include "policies/ladder_run.hpp"

#include <optional>
#include <string>
#include <vector>

namespace unwedge::policies {

class switchover_guard {
 public:
  explicit switchover_guard(std::string key) : account_(std::move(key)) {}

  void step(const run_input&, std::vector<decision>& out);
  void step_done(step_outcome outcome, instant now);
  /// The outcome of a set_precaution; the model knows of it already. Until it is told no other one is asked
  /// for.
  void precaution_done(const policies::step& s, bool accepted, instant now) {
    precautions_.done(s, accepted, now);
  }
  void resume(const record& r);
  /// The process has ended.
  void end(const run_input&, std::vector<decision>& out);

  /// What it has set in QEMU, for a later run of the daemon: {armed, before}. nullopt: nothing.
  std::optional<boost::json::object> left_in_qemu() const { return precautions_.left_in_qemu(); }
  /// What an earlier run has left.
  void remember(const boost::json::object& left) { precautions_.remember(left); }
  /// All of to_take_back was done.
  void taken_back() { precautions_.taken_back(); }

  /// True if this step is what the guard asks for, or would, with the evidence as it is now, and may be
  /// taken.
  bool confirms(const policies::step&, const run_input&);

  bool open() const { return account_.is_open(); }
  /// True while it must be asked at each look.
  bool on_watch() const { return open() || precautions_.any(); }
  bool acting() const { return acting_; }

  /// In a sentence, for surfaces: armed, or why it cannot guard. Empty: there is nothing to guard.
  std::string standing(const run_input&) const;

  /// What must be taken back when the daemon ends: nobody would bring a migration over its switchover then.
  std::vector<policies::step> to_take_back(const vm_model& vm) const { return precautions_.to_take_back(vm); }

 private:
  void between_migrations(const guard::situation&, std::vector<decision>& out);
  /// The guest would stand still, or the migration crawl, if we did not go on.
  bool begun(const vm_model&) const;
  guard::so_far so_far(const guard::situation&) const;
  void take(const guard::situation&, guard::wish, std::vector<decision>& out);
  static std::string why_not(const run_input&, const guard::wish&, bool begun);
  void not_taken();
  void begin(const guard::situation&, std::vector<decision>& out);
  void close(std::string outcome, std::vector<decision>& out);
  std::string outcome_at_end(const guard::situation&) const;

  guard::account account_;
  guard::precautions precautions_;
  bool took_up_ = false;  ///< the incident is one of an earlier run of the daemon
  bool acting_ = false;
  bool acted_ = false;                ///< at least one step of this incident was taken
  bool cancelling_for_dead_ = false;  ///< migrate_cancel was sent for a dead target
  bool cancelled_for_dead_ = false;   ///< and QEMU took it: its yank must follow at once
  guard::wish current_;               ///< the last one taken
  struct {
    bool acted = false, begun = false;
    guard::brake by_brake;
  } before_;                           ///< how it was before that
  bool barred_ = false;                ///< at its last look it might not be taken
  instant again_at_{};                 ///< not before then
  std::vector<policies::step> tried_;  ///< in this migration
};

}  // namespace unwedge::policies
