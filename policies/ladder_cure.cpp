// The remedies of a hang on a ladder, and the evidence that is kept while none of them is one.
#include "policies/ladder_run.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace unwedge::policies {
namespace {

/// A remedy that did not help may leave a hang that needs some looks until what it waits for is certain
/// again; only then the rungs after the remedies, which may be the VM's end.
constexpr std::chrono::seconds another_remedy_within{10};

/// Why remedies were passed over, in the ladder's order.
class passed_over {
 public:
  void add(action_kind action, const std::string& why) {
    if (!all_.contains(why)) all_ += (all_.empty() ? "" : " ") + why;
    each_ += fmt::format("{}No {}: {}", each_.empty() ? "" : " ", to_string(action), why);
  }
  bool any() const { return !all_.empty(); }
  const std::string& all() const { return all_; }    ///< each reason once
  const std::string& each() const { return each_; }  ///< with whose it is

 private:
  std::string all_, each_;
};

bool only_after_remedies(const rung& r) {
  return !cures_stall(r.action) && !keeps_evidence(r.action) && r.action != action_kind::report;
}

}  // namespace

/// The first of the remedies that are left that is one here and now.
void ladder_run::cure(const run_input& in, const condition& holds, std::vector<decision>& out) {
  passed_over passed;
  for (auto i = rung_; i < in.by.ladder.size(); ++i) {
    const auto action = in.by.ladder[i].action;
    if (taken(i) || !cures_stall(action)) continue;
    const auto plan = resolve(action, holds, in.view);
    if (plan.ladder.empty()) {
      passed.add(action, plan.why_not);
      continue;
    }
    no_remedy_since_.reset();
    if (passed.any()) note(passed.each(), out);
    if (!take(in, i, plan.ladder.front(), out)) keep_evidence(in, holds, told::only_done, out);
    return;
  }
  note("No action: " + passed.all(), out);
  await_remedy(in, holds, out);
}

void ladder_run::await_remedy(const run_input& in, const condition& holds, std::vector<decision>& out) {
  if (keep_evidence(in, holds, told::all, out) || !tried_) return;
  if (!no_remedy_since_) no_remedy_since_ = in.view.now;
  if (in.view.now - *no_remedy_since_ < another_remedy_within) return;
  const auto& ladder = in.by.ladder;
  const auto begin = ladder.begin() + static_cast<std::ptrdiff_t>(rung_);
  const auto after = std::find_if(begin, ladder.end(), only_after_remedies);
  if (after == ladder.end()) return;  // nothing that they would stand in the way of
  for (auto i = rung_; i < ladder.size(); ++i) {
    if (cures_stall(ladder[i].action)) taken_.push_back(i);
  }
  consider(in, holds, out);
}

/// What may have no remedy is worth its evidence at once, while it lasts; the rungs before are not given up.
/// True if there is any that is left to be kept.
bool ladder_run::keep_evidence(const run_input& in, const condition& holds, told what,
                               std::vector<decision>& out) {
  for (auto i = rung_ + 1; i < in.by.ladder.size(); ++i) {
    if (taken(i) || !keeps_evidence(in.by.ladder[i].action)) continue;
    const auto plan = resolve(in.by.ladder[i].action, holds, in.view);
    if (plan.ladder.empty()) continue;
    const auto& next = plan.ladder.front();
    if (what == told::only_done && !refusal(in, in.by.ladder[i].action, next).empty()) continue;
    take(in, i, next, out);
    return true;
  }
  return false;
}

}  // namespace unwedge::policies
