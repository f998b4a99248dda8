// Where a ladder stands, by what an earlier run of the daemon has on record.
#include "policies/ladder_run.hpp"

namespace unwedge::policies {

/// Goes on after the last rung that was begun; rungs that only reported, or had no command then, are not on
/// record.
void ladder_run::resume(const policy& by, const record& r) {
  state_ = state::watching;
  bool acted = false;
  for (const auto& s : r.begun) {
    if (resume_evidence(by, s)) continue;
    acted = true;
    resume_step(by, s);
  }
  next_ = r.on_record;
  outcome_if_cleared_ = acted ? "recovered" : "resolved-itself";
}

/// A remedy's rung is taken and no more said: those before it had no remedy then, and may have one yet.
void ladder_run::resume_step(const policy& by, const policies::step& s) {
  for (auto i = rung_; i < by.ladder.size(); ++i) {
    const auto action = by.ladder[i].action;
    if (taken(i) || command_of(action) != s.action) continue;
    if (cures_stall(action)) {
      tried_ = true;
      taken_.push_back(i);
    } else {
      rung_ = i + 1;
    }
    return;
  }
  rung_ = by.ladder.size();  // the policy is another now: nobody knows where it stands
}

/// Evidence may have been kept out of order: the rungs before it are still to come.
bool ladder_run::resume_evidence(const policy& by, const policies::step& s) {
  for (std::size_t i = 0; i < by.ladder.size(); ++i) {
    if (taken(i) || !keeps_evidence(by.ladder[i].action) || command_of(by.ladder[i].action) != s.action)
      continue;
    taken_.push_back(i);
    return true;
  }
  return false;
}

}  // namespace unwedge::policies
