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
    if (open() && state_ != state::acting) close(outcome_if_cleared(in.view.now), out);
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

/// A step that failed may have helped all the same, and its answer have come too late.
std::string ladder_run::outcome_if_cleared(instant now) const {
  const bool by_the_step = touched_ && state_ == state::verifying && now < verify_until_;
  return by_the_step ? "recovered" : outcome_if_cleared_;
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
  if (cures_stall(rung.action)) return cure(in, holds, out);
  const auto plan = resolve(rung.action, holds, in.view);
  if (plan.ladder.empty()) {  // the last one stays watched: the situation may become one that it is for
    note("No action: " + plan.why_not, out);
    if (rung_ + 1 >= in.by.ladder.size()) return;
    ++rung_;
    return consider(in, holds, out);
  }
  take(in, rung_, plan.ladder.front(), out);
}

/// Why this step may not be taken, in the words of its record; empty: it may.
std::string ladder_run::refusal(const run_input& in, action_kind action, const policies::step& next) {
  auto why_not = forbids(in.frame, in.by, next.needs);
  if (why_not.empty() && costs_budget(action))
    why_not = out_of_budget(in.by, in.of_vm, in.of_host, in.view.now);
  return why_not;
}

bool ladder_run::take(const run_input& in, std::size_t index, const policies::step& next,
                      std::vector<decision>& out) {
  const auto& rung = in.by.ladder[index];
  if (auto why_not = refusal(in, rung.action, next); !why_not.empty()) {
    decline(next, std::move(why_not), out);
    return false;
  }
  const bool costs = costs_budget(rung.action);
  if (costs) {
    in.of_vm.spend(in.by, in.view.now);
    in.of_host.spend(in.by, in.view.now);
  }
  spent_ = costs;
  evidence_ = keeps_evidence(rung.action);
  cures_ = cures_stall(rung.action);
  acting_rung_ = index;
  verify_within_ = rung.verify_within;
  touched_ = barred_ = false;
  state_ = state::acting;
  out.push_back({key_, take_step{next_++, next}});
  return true;
}

bool ladder_run::taken(std::size_t index) const {
  return std::ranges::find(taken_, index) != taken_.end();
}

void ladder_run::leave(std::size_t index) {
  if (index == rung_)
    ++rung_;
  else
    taken_.push_back(index);
}

bool ladder_run::confirms(const policies::step& s, const run_input& in, const condition* holds) {
  barred_ = in.busy || !forbids(in.frame, in.by, s.needs).empty();
  if (barred_ || holds == nullptr || acting_rung_ >= in.by.ladder.size()) return false;
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
    if (!barred_) leave(acting_rung_);
    state_ = state::watching;
    return;
  }
  if (outcome == step_outcome::refused) {
    if (!barred_) ++refusals_;
    state_ = refusals_ < max_refusals ? state::verifying : state::exhausted;
    verify_until_ = now + look_again_after;  // with fresh evidence; the old one was refuted just now
    return;
  }
  leave(acting_rung_);
  tried_ = tried_ || cures_;
  touched_ = outcome == step_outcome::failed_touched;
  if (outcome == step_outcome::done) outcome_if_cleared_ = "recovered";
  state_ = state::verifying;
  verify_until_ = now + verify_within_;  // from its end: the act itself takes its time
}

void ladder_run::close(std::string outcome, std::vector<decision>& out) {
  if (!open()) return;
  out.push_back({key_, close_incident{std::move(outcome)}});
  *this = ladder_run{key_};
}

}  // namespace unwedge::policies
