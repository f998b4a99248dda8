#include "policies/ladder_run.hpp"

#include "policies/conditions/conditions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace unwedge::policies {
namespace {

/// A last look that finds another situation each time is no ground to act on.
constexpr int max_refusals = 3;
constexpr std::chrono::seconds look_again_after{1};

std::string finding_of(const verdict& v) {
  if (!v.root) return std::string(to_string(v.kind));
  return fmt::format("{}, {} {}", to_string(v.kind), to_string(v.root->type), v.root->name);
}

std::optional<verdict> verdict_of(const vm_view& view) {
  return view.stall != nullptr ? std::optional(*view.stall) : std::nullopt;
}

}  // namespace

void ladder_run::step(const run_input& in, const condition* holds, std::vector<decision>& out) {
  if (holds == nullptr) {
    if (open() && state_ != state::acting) close(outcome_if_cleared_, out);
    return;
  }
  if (in.view.now - holds->since < in.by.patience && !open()) return;
  if (!open()) begin(in, *holds, out);
  amend(in, out);
  if (state_ == state::verifying && in.view.now >= verify_until_) state_ = state::watching;
  if (state_ == state::watching && !in.busy) consider(in, *holds, out);
}

void ladder_run::begin(const run_input& in, const condition& holds, std::vector<decision>& out) {
  state_ = state::watching;
  if (const auto v = verdict_of(in.view)) finding_ = finding_of(*v);
  auto told = holds;
  told.why = why(holds, in.view);
  out.push_back({key_, open_incident{in.by.name, std::move(told), verdict_of(in.view)}});
}

/// A verdict that changed is part of the story, also where no action follows from it.
void ladder_run::amend(const run_input& in, std::vector<decision>& out) {
  const auto v = verdict_of(in.view);
  if (!v) return;
  auto finding = finding_of(*v);
  if (finding == finding_) return;
  finding_ = std::move(finding);
  out.push_back({key_, amend_verdict{*v}});
}

/// The rung as the situation is now. Rungs that this incident has taken are not taken again: a rung that did
/// not help will not help the second time.
void ladder_run::consider(const run_input& in, const condition& holds, std::vector<decision>& out) {
  while (taken(rung_)) ++rung_;
  if (rung_ >= in.by.ladder.size()) {
    const bool only_reports =
        std::ranges::all_of(in.by.ladder, [](const rung& r) { return r.action == action_kind::report; });
    if (!only_reports) note("No rung of the ladder is left, and the condition still holds.", out);
    state_ = state::exhausted;
    return;
  }
  const auto& rung = in.by.ladder[rung_];
  if (rung.action == action_kind::report) {
    if (outcome_if_cleared_ == "resolved-itself") outcome_if_cleared_ = "observed";
    ++rung_;
    return consider(in, holds, out);
  }
  const auto plan = resolve(rung.action, holds, in.view);
  if (plan.ladder.empty()) {  // still watching: the situation may become one that has a remedy
    note("No action: " + plan.why_not, out);
    if (rung.action == action_kind::yank_root && keep_evidence(in, holds, out)) return;
    const bool last = rung_ + 1 >= in.by.ladder.size();
    if (last || rung.action == action_kind::yank_root) return;
    ++rung_;
    return consider(in, holds, out);
  }
  take(in, rung_, plan.ladder.front(), out);
}

void ladder_run::take(const run_input& in, std::size_t index, const policies::step& next,
                      std::vector<decision>& out) {
  const auto& rung = in.by.ladder[index];
  const bool costs = costs_budget(rung.action);
  auto why_not = forbids(in.frame, in.by, next.needs);
  if (why_not.empty() && costs) why_not = out_of_budget(in.by, in.of_vm, in.of_host, in.view.now);
  if (!why_not.empty()) return decline(next, std::move(why_not), out);
  if (costs) {
    in.of_vm.spend(in.by, in.view.now);
    in.of_host.spend(in.by, in.view.now);
  }
  spent_ = costs;
  evidence_ = keeps_evidence(rung.action);
  acting_rung_ = index;
  verify_within_ = rung.verify_within;
  state_ = state::acting;
  out.push_back({key_, take_step{next_++, next}});
}

/// What may have no remedy is worth its evidence at once, while it lasts; the rung before is not given up.
bool ladder_run::keep_evidence(const run_input& in, const condition& holds, std::vector<decision>& out) {
  for (auto i = rung_ + 1; i < in.by.ladder.size(); ++i) {
    if (taken(i) || !keeps_evidence(in.by.ladder[i].action)) continue;
    const auto plan = resolve(in.by.ladder[i].action, holds, in.view);
    if (plan.ladder.empty()) continue;
    take(in, i, plan.ladder.front(), out);
    return true;
  }
  return false;
}

bool ladder_run::taken(std::size_t index) const {
  return std::ranges::find(taken_, index) != taken_.end();
}

bool ladder_run::confirms(const policies::step& s, const run_input& in, const condition* holds) const {
  if (holds == nullptr || acting_rung_ >= in.by.ladder.size()) return false;
  const auto plan = resolve(in.by.ladder[acting_rung_].action, *holds, in.view);
  return std::ranges::find(plan.ladder, s) != plan.ladder.end();
}

/// On record once for each reason; should the reason go (an authority raised, a hold released), it is taken.
void ladder_run::decline(const policies::step& s, std::string result, std::vector<decision>& out) {
  if (outcome_if_cleared_ != "recovered") outcome_if_cleared_ = outcome_of_record(result);
  auto once = s.action + ' ' + result;
  if (std::exchange(last_result_, once) == once) return;
  out.push_back({key_, record_step{next_++, s, std::move(result)}});
}

void ladder_run::note(std::string text, std::vector<decision>& out) {
  if (std::exchange(last_note_, text) != text) out.push_back({key_, add_note{std::move(text)}});
}

void ladder_run::step_done(step_outcome outcome, instant now) {
  if (state_ != state::acting) return;
  if (evidence_) {  // whatever came of it: it is no reason to wait, or to give up a remedy
    if (acting_rung_ == rung_)
      ++rung_;
    else
      taken_.push_back(acting_rung_);
    state_ = state::watching;
    return;
  }
  if (outcome == step_outcome::refused) {
    state_ = ++refusals_ < max_refusals ? state::verifying : state::exhausted;
    verify_until_ = now + look_again_after;  // with fresh evidence; the old one was refuted just now
    return;
  }
  ++rung_;
  if (outcome == step_outcome::done) outcome_if_cleared_ = "recovered";
  state_ = state::verifying;
  verify_until_ = now + verify_within_;  // from its end: the act itself takes its time
}

/// Goes on after the last rung that was begun; rungs that only reported, or had no command then, are not on
/// record.
void ladder_run::resume(const policy& by, const record& r) {
  state_ = state::watching;
  bool acted = false;
  for (const auto& s : r.begun) {
    if (resume_evidence(by, s)) continue;
    acted = true;
    const auto from = by.ladder.begin() + static_cast<std::ptrdiff_t>(std::min(rung_, by.ladder.size()));
    const auto taken = std::find_if(from, by.ladder.end(), [&](const rung& candidate) {
      return command_of(candidate.action) == s.action;
    });
    rung_ =
        taken == by.ladder.end() ? by.ladder.size() : static_cast<std::size_t>(taken - by.ladder.begin()) + 1;
  }
  next_ = r.on_record;
  outcome_if_cleared_ = acted ? "recovered" : "resolved-itself";
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

void ladder_run::close(std::string outcome, std::vector<decision>& out) {
  if (!open()) return;
  out.push_back({key_, close_incident{std::move(outcome)}});
  *this = ladder_run{key_};
}

}  // namespace unwedge::policies
