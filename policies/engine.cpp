#include "policies/engine.hpp"

#include <fmt/format.h>

#include <utility>

namespace unwedge::policies {
namespace {

/// A last look that finds another situation each time is no ground to act on.
constexpr int max_refusals = 3;
constexpr std::chrono::seconds look_again_after{1};

std::string condition_of(const verdict& v) {
  return v.kind == verdict_kind::gone ? "process-gone" : "monitor-stalled";
}

std::string finding_of(const verdict& v) {
  if (!v.root) return std::string(to_string(v.kind));
  return fmt::format("{}, {} {}", to_string(v.kind), to_string(v.root->type), v.root->name);
}

}  // namespace

std::vector<decision> engine::step(const observation& seen, const vm_model& vm,
                                   const engine_settings& settings) {
  std::vector<decision> out;
  if (!seen.alive) {
    if (std::exchange(ended_, true)) return out;
    if (incident_open()) close("failed", out);
    if (!vm.shut_down && seen.verdict) {
      open(seen, out);
      close("observed", out);
    }
    return out;
  }
  if (seen.responsive) {
    if (incident_open() && state_ != state::acting) close(outcome_when_cleared(), out);
    return out;
  }
  if (!seen.verdict) return out;
  if (!incident_open()) open(seen, out);
  if (auto finding = finding_of(*seen.verdict); finding_ != finding) {
    finding_ = std::move(finding);
    out.emplace_back(amend_verdict{*seen.verdict});
  }
  if (state_ == state::verifying && seen.now >= verify_until_) state_ = state::watching;
  if (state_ == state::watching) consider(seen, vm, settings, out);
  return out;
}

void engine::open(const observation& seen, std::vector<decision>& out) {
  state_ = state::watching;
  finding_ = finding_of(*seen.verdict);
  outcome_if_cleared_ = "resolved-itself";
  out.emplace_back(open_incident{*seen.verdict, condition_of(*seen.verdict)});
}

/// The ladder of the verdict as it is now. Rungs that this incident has taken are not taken again: the same
/// incident acts once, and a rung that did not help will not help the second time.
void engine::consider(const observation& seen, const vm_model& vm, const engine_settings& settings,
                      std::vector<decision>& out) {
  const auto plan = plan_for(*seen.verdict, vm);
  if (plan.ladder.empty()) {
    if (why_not_ != plan.why_not) out.emplace_back(add_note{"No action: " + plan.why_not});
    why_not_ = plan.why_not;
    return;  // still watching: the verdict may become one that has a remedy
  }
  if (steps_taken_ >= plan.ladder.size()) {
    out.emplace_back(add_note{"No rung of the ladder is left, and the monitor still stalls."});
    state_ = state::exhausted;
    return;
  }
  const auto& rung = plan.ladder[steps_taken_];
  if (settings.allowed < rung.needs) return refuse(rung, "observed", "observed", out);
  if (settings.dry_run) return refuse(rung, "dry-run", "dry-run", out);
  verify_within_ = rung.verify_within;
  state_ = state::acting;
  out.emplace_back(take_step{next_++, rung});
}

void engine::refuse(const policies::step& rung, std::string result, std::string outcome,
                    std::vector<decision>& out) {
  out.emplace_back(record_step{next_++, rung, std::move(result)});
  outcome_if_cleared_ = std::move(outcome);
  state_ = state::exhausted;
}

void engine::step_done(step_outcome outcome, instant now) {
  if (state_ != state::acting) return;
  if (outcome == step_outcome::refused) {
    state_ = ++refusals_ < max_refusals ? state::verifying : state::exhausted;
    verify_until_ = now + look_again_after;  // with fresh evidence; the old one was refuted just now
    return;
  }
  ++steps_taken_;
  if (outcome == step_outcome::done) outcome_if_cleared_ = "recovered";
  state_ = state::verifying;
  verify_until_ = now + verify_within_;  // from its end: the act itself takes its time
}

void engine::resume(std::size_t taken, std::size_t on_record) {
  state_ = state::watching;
  steps_taken_ = taken;
  next_ = on_record;
  outcome_if_cleared_ = taken > 0 ? "recovered" : "resolved-itself";
}

std::string engine::outcome_when_cleared() const {
  return outcome_if_cleared_;
}

void engine::close(std::string outcome, std::vector<decision>& out) {
  out.emplace_back(close_incident{std::move(outcome)});
  const bool ended = ended_;
  *this = engine{};
  ended_ = ended;
}

}  // namespace unwedge::policies
