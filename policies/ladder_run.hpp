// One policy at work on one VM: from the condition's onset through the rungs of its ladder to its end. A pure
// state machine: act, verify that the condition cleared within the rung's time, else the next rung; each rung
// once.
//
// Remedies of a hang (cures_stall) are one kind: of those that are left the first is taken that is one here
// and now, and as long as none is all stay watched, for the hang may become another. Evidence is kept
// meanwhile, once. Other rungs are passed over for good where they have no command.
#pragma once

#include "policies/actions.hpp"
#include "policies/decision.hpp"
#include "policies/frame.hpp"

#include <optional>
#include <string>
#include <vector>

namespace unwedge::policies {

/// What both kinds of run (this and switchover_guard) are given at each look.
struct run_input {
  const vm_view& view;
  const policy& by;
  const action_frame& frame;
  step_budget& of_vm;
  step_budget& of_host;
  bool busy = false;  ///< another run of this VM, or an operator, has a step under way: one act at a time
};

class ladder_run {
 public:
  explicit ladder_run(std::string key) : key_(std::move(key)) {}

  /// `holds`: the condition as it is now; null: it does not hold. `cleared` may be believed only while the VM
  /// talks; the engine sees to that.
  void step(const run_input&, const condition* holds, std::vector<decision>& out);

  void step_done(step_outcome outcome, instant now);
  void resume(const policy& by, const record& r);
  /// The process has ended.
  void end(std::vector<decision>& out) { close("failed", out); }
  /// Its policy is no more.
  void retire(std::vector<decision>& out) {
    if (state_ != state::acting) close("observed", out);
  }

  /// True if this very step is still what the rung asks for, and may be taken. One that may not is refused
  /// without being one of the refusals that an incident has.
  bool confirms(const policies::step&, const run_input&, const condition* holds);

  bool open() const { return state_ != state::idle; }
  bool acting() const { return state_ == state::acting; }
  /// The step under way, or the last one, counts against the budgets.
  bool spent() const { return spent_; }

 private:
  enum class state { idle, watching, acting, verifying, exhausted };

  void begin(const run_input&, const condition&, std::vector<decision>& out);
  void amend(const run_input&, std::vector<decision>& out);
  void consider(const run_input&, const condition&, std::vector<decision>& out);
  void cure(const run_input&, const condition&, std::vector<decision>& out);
  void await_remedy(const run_input&, const condition&, std::vector<decision>& out);
  /// False: it may not be taken, and that is on record.
  bool take(const run_input&, std::size_t index, const policies::step&, std::vector<decision>& out);
  static std::string refusal(const run_input&, action_kind, const policies::step&);
  enum class told { all, only_done };  ///< also what may not be done
  bool keep_evidence(const run_input&, const condition&, told, std::vector<decision>& out);
  bool taken(std::size_t index) const;
  void leave(std::size_t index);
  bool resume_evidence(const policy& by, const policies::step&);
  void resume_step(const policy& by, const policies::step&);
  void decline(const policies::step&, std::string result, std::vector<decision>& out);
  void note(std::string text, std::vector<decision>& out);
  std::string outcome_if_cleared(instant now) const;
  void close(std::string outcome, std::vector<decision>& out);

  std::string key_;
  state state_ = state::idle;
  std::string finding_;  ///< of the verdict on record: its kind and root
  std::string outcome_if_cleared_ = "resolved-itself";
  std::string last_note_, last_result_;
  std::size_t next_ = 0;            ///< index of the next step on record
  std::size_t rung_ = 0;            ///< of the ladder
  std::size_t acting_rung_ = 0;     ///< the one that the step under way belongs to
  std::vector<std::size_t> taken_;  ///< rungs at or after rung_ that were taken out of order
  bool spent_ = true, evidence_ = false, cures_ = false;  ///< of the step under way
  bool barred_ = false;                                   ///< at its last look it might not be taken
  bool touched_ = false;                                  ///< it failed, and may have helped all the same
  bool tried_ = false;                                    ///< a remedy was begun in this incident
  std::optional<instant> no_remedy_since_;
  int refusals_ = 0;
  duration verify_within_{};
  instant verify_until_{};
};

}  // namespace unwedge::policies
