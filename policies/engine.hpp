// The policy engine of one VM: looks at what holds, and lets each policy that is about it go on by a step. A
// pure state machine: the same looks give the same decisions. No clock, no I/O, no log. The watcher owns one
// for each VM.
#pragma once

#include "policies/conditions/conditions.hpp"
#include "policies/guard/switchover_guard.hpp"
#include "policies/ladder_run.hpp"

#include <map>
#include <span>
#include <string>
#include <vector>

namespace unwedge::policies {

struct look {
  const vm_view& view;
  std::string_view vm_name;
  std::span<const policy>
      policies;  ///< in the order of their files: the first that matches a condition has it
  const action_frame& frame;
  step_budget& of_host;
  bool operator_acts = false;  ///< on this VM: no policy takes a step meanwhile, nor does it lose one
};

class engine {
 public:
  /// Decisions in the order in which they must be carried out. The same look twice gives nothing new.
  std::vector<decision> step(const look&);

  /// The outcome of a take_step. Until it is told no further step is taken on this VM.
  void step_done(const std::string& run, step_outcome outcome, instant now, step_budget& of_host);

  /// The outcome of a set_precaution.
  void precaution_done(const policies::step&, bool accepted, instant now);

  /// True if, by fresh evidence, this step is still what its policy asks for, and nothing forbids it by now.
  bool confirms(const std::string& run, const policies::step&, const look&);

  /// What was set in QEMU and not taken back yet, for a later run of the daemon; and what an earlier one
  /// left.
  std::optional<boost::json::object> left_in_qemu() const;
  void remember(const boost::json::object& left);
  /// All of to_take_back was done.
  void taken_back() { guard_.taken_back(); }

  /// Takes up an incident of an earlier run of the daemon. Returns the run's name for later calls.
  std::string resume(const policy& by, const std::string& subject, const record& r);

  /// True while an incident is open.
  bool incident_open() const;
  /// True while it has something to follow: it must be asked at each look.
  bool on_watch() const { return !ladders_.empty() || guard_.on_watch(); }
  /// True while a step is under way.
  bool acting() const;

  /// What holds, as of the last look, for surfaces.
  const conditions& holding() const { return holding_; }
  /// Of the switchover guard; empty: there is nothing to guard.
  std::string guard_standing(const look&) const;
  /// What must be taken back in QEMU when the daemon ends.
  std::vector<policies::step> to_take_back(const vm_model&) const;
  std::size_t steps_of(const std::string& policy_name) const { return budget_.spent(policy_name); }
  /// The policies of the open incidents, one entry each.
  std::vector<std::string> open_policies() const;

  std::string policy_of(const std::string& run) const;

 private:
  struct ladder {
    ladder_run run;
    std::string policy_name;
    condition_kind about;
    std::string subject;
  };

  static bool in_force(const policy&, const look&);
  const policy* policy_for(const look&, condition_kind, const std::string& state) const;
  run_input input(const look&, const policy&, const std::string& run);
  void end_of_process(const look&, std::vector<decision>&);
  void step_ladders(const look&, std::vector<decision>&);
  void step_guard(const look&, std::vector<decision>&);
  const condition* holding(condition_kind, const std::string& subject) const;
  /// Anybody but this run has a step under way.
  bool others_act(const look&, std::string_view run) const;

  std::map<std::string, ladder, std::less<>> ladders_;  ///< by "policy/subject"
  static constexpr std::string_view guard_run = "switchover-guard";
  switchover_guard guard_{std::string(guard_run)};
  std::optional<policy> guard_policy_;  ///< the one that it last worked for
  conditions holding_;
  step_budget budget_;
  std::map<std::string, instant, std::less<>> closed_at_;  ///< by policy, for its cooldown
  bool ended_ = false;                                     ///< the process's end is on record
};

}  // namespace unwedge::policies
