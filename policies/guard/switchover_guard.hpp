// Keeps a migration from completing over a mirror that is not done, and from hanging on one whose target is
// dead: the run behind the action guard-switchover. What is done when is in choreography.hpp; this opens and
// closes its incident, prepares QEMU in advance and takes back what was set. A pure state machine; the engine
// of a VM holds one.
#pragma once

#include "policies/guard/choreography.hpp"
#include "policies/ladder_run.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace unwedge::policies {

class switchover_guard {
 public:
  explicit switchover_guard(std::string key) : key_(std::move(key)) {}

  void step(const run_input&, std::vector<decision>& out);
  void step_done(step_outcome outcome, instant now);
  /// The outcome of a set_precaution; the model knows of it already. Until it is told no other one is asked
  /// for.
  void precaution_done(const policies::step&, bool accepted, instant now);
  void resume(const record& r);
  /// The process has ended.
  void end(const run_input&, std::vector<decision>& out);

  /// What it has set in QEMU, for a later run of the daemon: {armed, before}. nullopt: nothing.
  std::optional<boost::json::object> left_in_qemu() const;
  /// What an earlier run has left.
  void remember(const boost::json::object& left);
  /// All of to_take_back was done.
  void taken_back();

  /// True if this step is what the guard asks for, or would, with the evidence as it is now.
  bool confirms(const policies::step&, const run_input&) const;

  bool open() const { return open_; }
  /// True while it must be asked at each look.
  bool on_watch() const { return open_ || asked_to_arm_ || brake_.before(); }
  bool acting() const { return acting_; }

  /// In a sentence, for surfaces: armed, or why it cannot guard. Empty: there is nothing to guard.
  std::string standing(const run_input&) const;

  /// What must be taken back when the daemon ends: nobody would bring a migration over its switchover then.
  std::vector<policies::step> to_take_back(const vm_model&) const;

 private:
  void between_migrations(const guard::situation&, std::vector<decision>& out);
  void prepare(const guard::situation&, std::vector<decision>& out);
  void hold_back_if_doubtful(const guard::situation&, std::vector<decision>& out);
  void take_back(const guard::situation&, const std::string& why, std::vector<decision>& out);
  void precaution(policies::step, std::string why, instant now, std::vector<decision>& out);
  bool armed_by_us(const vm_model&) const;
  bool ours_to_drive(const guard::situation&) const;
  bool ours_to_end(const guard::situation&) const;
  bool another_drives(const guard::situation&) const;
  bool concluded_by_us(const copy&) const;
  /// The guest would stand still, or the migration crawl, if we did not go on.
  bool begun(const vm_model&) const;
  guard::so_far so_far(const guard::situation&) const;
  void take(const guard::situation&, guard::wish, std::vector<decision>& out);
  std::string why_not(const guard::situation&, const guard::wish&) const;
  void decline(guard::wish, std::string result, std::vector<decision>& out);
  void begin(const guard::situation&, std::vector<decision>& out);
  void note(std::string text, std::vector<decision>& out);
  void close(std::string outcome, std::vector<decision>& out);
  std::string outcome_at_end(const guard::situation&) const;

  std::string key_;
  guard::brake brake_;
  bool asked_to_arm_ = false;  ///< we switched pause-before-switchover on, for the mirrors that run now
  int precautions_under_way_ = 0, precautions_refused_ = 0;
  instant next_precaution_{};    ///< not before then, after refusals
  bool mirrors_unseen_ = false;  ///< an earlier run guarded: how mirrors ended meanwhile nobody has seen
  std::optional<instant> unseen_since_;
  bool meant_to_cancel_ = false;  ///< and it had begun to cancel a migration
  bool remembered_ = false;       ///< what it had set, and whether it still is has not been looked at

  bool open_ = false;
  bool took_up_ = false;  ///< the incident is one of an earlier run of the daemon
  bool acting_ = false;
  bool acted_ = false;                 ///< at least one step of this incident was taken
  bool cancelling_for_dead_ = false;   ///< migrate_cancel was sent for a dead target
  bool cancelled_for_dead_ = false;    ///< and QEMU took it: its yank must follow at once
  policies::step current_;             ///< the last one taken
  instant again_at_{};                 ///< not before then
  std::vector<policies::step> tried_;  ///< in this migration
  std::string last_note_, last_result_;
  std::set<std::string> recorded_;  ///< what was declined, and why
  std::size_t next_ = 0;
};

}  // namespace unwedge::policies
