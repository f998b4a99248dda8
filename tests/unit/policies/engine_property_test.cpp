// Random sequences of observations and outcomes: what must hold whatever comes.
#include "policies/engine.hpp"
#include "world.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace unwedge::policies {
namespace {

using namespace fake;

/// What the engine is shown.
struct shown {
  double second = 0;
  bool alive = true;
  bool responsive = true;
  std::optional<policies::verdict> verdict;
};

/// Checks every decision against what went before.
class referee {
 public:
  void check(const std::vector<decision>& decisions, const shown& seen, const action_frame& allowed) {
    for (const auto& d : decisions) {
      std::visit([&](const auto& what) { rule(what, seen, allowed); }, d.what);
    }
  }
  int steps() const { return steps_; }
  void ended(step_outcome o) { spent_ += o != step_outcome::refused ? 1 : 0; }

 private:
  void rule(const open_incident&, const shown&, const action_frame&) {
    ASSERT_FALSE(open_) << "opened twice";
    open_ = true;
    spent_ = taken_ = 0;
    indexes_.clear();
  }
  void rule(const close_incident& c, const shown& seen, const action_frame&) {
    ASSERT_TRUE(open_) << "closed, but was not open";
    ASSERT_FALSE(c.outcome.empty());
    ASSERT_TRUE(seen.responsive || !seen.alive) << "closed while it stalls";
    if (c.outcome == "recovered") ASSERT_GT(spent_, 0) << "recovered, but nothing was done";
    open_ = false;
  }
  void rule(const take_step& t, const shown& seen, const action_frame& allowed) {
    ASSERT_TRUE(open_);
    ASSERT_TRUE(seen.alive && !seen.responsive && seen.verdict && seen.verdict->certain);
    ASSERT_GE(allowed.allowed, t.step.needs);
    ASSERT_FALSE(allowed.dry_run);
    ASSERT_EQ(spent_, 0) << "one rung, taken once";
    ASSERT_LE(++taken_, 3) << "refused thrice at most";
    ASSERT_TRUE(indexes_.insert(t.index).second);
    ++steps_;
  }
  void rule(const record_step& r, const shown& seen, const action_frame& allowed) {
    ASSERT_TRUE(open_ && !seen.responsive);
    ASSERT_TRUE(allowed.dry_run || allowed.allowed < r.step.needs);
    ASSERT_TRUE(indexes_.insert(r.index).second);
  }
  void rule(const amend_verdict&, const shown& seen, const action_frame&) {
    ASSERT_TRUE(open_ && !seen.responsive);
  }
  void rule(const set_precaution&, const shown&, const action_frame&) { FAIL() << "no guard here"; }
  void rule(const add_note&, const shown&, const action_frame&) { ASSERT_TRUE(open_); }

  bool open_ = false;
  int spent_ = 0;
  int taken_ = 0;
  int steps_ = 0;
  std::set<std::size_t> indexes_;
};

std::optional<verdict> random_verdict(std::mt19937& random, const std::optional<verdict>& hung) {
  switch (random() % 6) {
    case 0:
      return std::nullopt;
    case 1:
      return verdict{.kind = verdict_kind::traced};
    case 2: {
      auto unsure = hung;
      unsure->certain = false;
      return unsure;
    }
    default:
      return hung;
  }
}

TEST(engine, keeps_its_rules_over_any_sequence) {
  const auto vm = mirroring();
  const io_health io;
  const std::vector<policy> policies{
      {.name = "monitor-stall",
       .condition = condition_kind::monitor_stalled,
       .ladder = {{action_kind::yank_root}},
       .budget = {.per_vm = 10'000, .per_host = 10'000}},
      {.name = "process-gone", .condition = condition_kind::process_gone, .ladder = {{action_kind::report}}}};
  const auto hung = judged(seen_for_three_seconds(held_by_migration()), vm);
  int steps = 0;
  for (unsigned seed = 0; seed < 3'000; ++seed) {
    std::mt19937 random(seed);
    engine e;
    step_budget host;
    referee rules;
    action_frame allowed{.allowed = static_cast<authority>(random() % 4), .dry_run = random() % 4 == 0};
    double now = 0;
    for (int i = 0; i < 60; ++i) {
      now += 0.1 * static_cast<double>(random() % 20);
      if (random() % 20 == 0) allowed.allowed = static_cast<authority>(random() % 4);
      shown seen{.second = now, .responsive = random() % 4 == 0, .verdict = std::nullopt};
      if (!seen.responsive) seen.verdict = random_verdict(random, hung);
      if (i == 59 && random() % 2 == 0)
        seen = {.second = now,
                .alive = false,
                .responsive = false,
                .verdict = verdict{.kind = verdict_kind::gone}};
      const vm_view view{.vm = vm,
                         .io = io,
                         .now = at(now),
                         .alive = seen.alive,
                         .talking = seen.responsive,
                         .settled = seen.responsive,
                         .stall = seen.verdict ? &*seen.verdict : nullptr};
      const look seen_so{
          .view = view, .vm_name = "web01", .policies = policies, .frame = allowed, .of_host = host};
      rules.check(e.step(seen_so), seen, allowed);
      // Settled: the same again gives nothing new.
      const auto again = e.step(seen_so);
      ASSERT_TRUE(again.empty()) << seed;
      if (testing::Test::HasFatalFailure()) FAIL() << "seed " << seed << ", observation " << i;
      if (e.acting() && random() % 2 == 0) {
        const auto outcome = static_cast<step_outcome>(random() % 4);
        rules.ended(outcome);
        e.step_done("monitor-stall", outcome, at(now), host);
      }
    }
    steps += rules.steps();
  }
  EXPECT_GT(steps, 1'000) << "the sequences must reach what they are to test";
}

}  // namespace
}  // namespace unwedge::policies
