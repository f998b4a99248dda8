// What an operator or the host says against a step, before it and at its last look.
#include "engine_of.hpp"
#include "hung.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace unwedge::policies {
namespace {

using namespace fake;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* opens = "open monitor-stalled bql-held";

struct forbidden : engine_of {
  struct row {
    const char* name;
    std::function<void(forbidden&)> forbids;
    const char* recorded;  ///< at the next look; nullptr: nothing is
  };
  static std::vector<row> rows() {
    return {{"authority", [](forbidden& f) { f.frame_.allowed = authority::observe; }, "observed"},
            {"a dry run", [](forbidden& f) { f.frame_.dry_run = true; }, "dry-run"},
            {"a policy's dry run", [](forbidden& f) { f.policies_[0].dry_run = true; }, "dry-run"},
            {"hold", [](forbidden& f) { f.frame_.held = "maintenance"; }, "held: maintenance"},
            {"the host starves", [](forbidden& f) { f.frame_.host_starved = "late"; }, "host-starved: late"},
            {"an operator acts", [](forbidden& f) { f.operator_acts_ = true; }, nullptr}};
  }
  void allow_again() {
    frame_ = {.allowed = authority::protect};
    policies_[0].dry_run = operator_acts_ = false;
  }
  bool confirms(double second, const std::string& run, const policies::step& s, std::optional<verdict> v) {
    const vm_view view{
        .vm = vm_, .io = io_, .now = at(second), .talking = !v, .settled = !v, .stall = v ? &*v : nullptr};
    return engine_.confirms(run, s, look_at(view));
  }
  void start_anew() {
    engine_ = {};
    host_ = {};
  }
};

TEST_F(forbidden, step_is_refused_at_its_last_look_and_taken_when_it_is_allowed_again) {
  for (const auto& r : rows()) {
    SCOPED_TRACE(r.name);
    start_anew();
    EXPECT_THAT(stalls(3), ElementsAre(opens, "take 0 yank"));
    const auto begun = yank_root(hung(), vm_).ladder.front();
    EXPECT_TRUE(confirms(3.1, "monitor-stall", begun, hung()));
    r.forbids(*this);
    EXPECT_FALSE(confirms(3.1, "monitor-stall", begun, hung()));
    step_is(step_outcome::refused, 3.1);
    const auto then = stalls(4.1);
    if (r.recorded != nullptr)
      EXPECT_THAT(then, ElementsAre(std::string("record 1 yank ") + r.recorded));
    else
      EXPECT_THAT(then, IsEmpty());
    allow_again();
    EXPECT_THAT(stalls(9), ElementsAre(r.recorded != nullptr ? "take 2 yank" : "take 1 yank"));
    step_is(step_outcome::done, 9.1);
    EXPECT_THAT(answers(9.2), ElementsAre("close recovered"));
  }
}

/// However often: neither a rung, nor the budget, nor one of the refusals after which it is left to people.
TEST_F(forbidden, steps_use_nothing_up) {
  for (const auto& r : rows()) {
    SCOPED_TRACE(r.name);
    start_anew();
    policies_[0].budget = {.per_vm = 1, .per_host = 1};
    for (int i = 0; i < 10; ++i) {
      const auto lines = stalls(3 + 2 * i);
      ASSERT_FALSE(lines.empty()) << i;
      EXPECT_THAT(lines.back(), testing::StartsWith("take ")) << i;
      r.forbids(*this);
      EXPECT_FALSE(confirms(3.1 + 2 * i, "monitor-stall", yank_root(hung(), vm_).ladder.front(), hung()));
      step_is(step_outcome::refused, 3.1 + 2 * i);
      allow_again();
    }
    EXPECT_THAT(stalls(50).back(), testing::HasSubstr("yank"));
  }
}

TEST_F(forbidden, evidence_is_kept_when_it_is_allowed_again) {
  policies_[0].ladder = {{action_kind::flag_core}};
  for (const auto& r : rows()) {
    SCOPED_TRACE(r.name);
    start_anew();
    EXPECT_THAT(stalls(3), ElementsAre(opens, "take 0 flag-core"));
    r.forbids(*this);
    EXPECT_FALSE(confirms(3.1, "monitor-stall", {.action = "flag-core"}, hung()));
    step_is(step_outcome::refused, 3.1);
    allow_again();
    EXPECT_THAT(stalls(5), ElementsAre("take 1 flag-core"));
  }
}

TEST_F(forbidden, steps_are_not_begun_while_an_operator_acts) {
  operator_acts_ = true;
  EXPECT_THAT(stalls(3), ElementsAre(opens)) << "the incident is";
  for (double t = 4; t < 20; t += 1) EXPECT_THAT(stalls(t), IsEmpty());
  operator_acts_ = false;
  EXPECT_THAT(stalls(20), ElementsAre("take 0 yank"));
}

/// A migration runs beside a mirror that copies: the brake is wanted.
struct forbidden_guard : forbidden {
  forbidden_guard() {
    policies_ = {{.name = "switchover-guard",
                  .condition = condition_kind::mirror_at_switchover,
                  .patience = std::chrono::seconds(10),
                  .ladder = {{action_kind::guard_switchover}}}};
    vm_ = mirroring_and_migrating();
    vm_.migration->began = vm_.migration->since = at(1);
    vm_.migrates_with.parameters_at = at(2);
    vm_.migrates_with.max_bandwidth = 134'217'728;
    vm_.migrates_with.downtime_limit = 300;
  }
  std::optional<policies::step> taken(double second) {
    const vm_view view{.vm = vm_, .io = io_, .now = at(second)};
    for (const auto& d : engine_.step(look_at(view))) {
      if (const auto* t = std::get_if<take_step>(&d.what)) return t->step;
    }
    return std::nullopt;
  }
  void guard_step_is(step_outcome o, double second) {
    engine_.step_done("switchover-guard", o, at(second), host_);
  }
};

TEST_F(forbidden_guard, begins_with_nothing_that_was_forbidden_at_the_last_look) {
  for (const auto& r : rows()) {
    SCOPED_TRACE(r.name);
    start_anew();
    const auto press = taken(3);
    ASSERT_TRUE(press);
    EXPECT_EQ(press->action, "migrate-set-parameters");
    EXPECT_TRUE(confirms(3, "switchover-guard", *press, std::nullopt));
    r.forbids(*this);
    EXPECT_FALSE(confirms(3, "switchover-guard", *press, std::nullopt));
    guard_step_is(step_outcome::refused, 3);
    EXPECT_FALSE(engine_.left_in_qemu()) << "it was not pressed";
    for (double t = 4; t < 9; t += 1) EXPECT_FALSE(taken(t)) << "it had not begun";
    allow_again();
    EXPECT_TRUE(taken(10)) << "but it would";
  }
}

TEST_F(forbidden_guard, uses_nothing_up) {
  for (const auto& r : rows()) {
    SCOPED_TRACE(r.name);
    start_anew();
    for (int i = 0; i < 10; ++i) {
      const auto press = taken(3 + i);
      ASSERT_TRUE(press) << i;
      r.forbids(*this);
      EXPECT_FALSE(confirms(3 + i, "switchover-guard", *press, std::nullopt));
      guard_step_is(step_outcome::refused, 3 + i);
      allow_again();
    }
  }
}

/// The guest would stand still, or the migration crawl: only an operator's act goes before.
TEST_F(forbidden_guard, brings_to_its_end_what_it_began) {
  for (const auto& r : rows()) {
    SCOPED_TRACE(r.name);
    start_anew();
    vm_.jobs["m0"].error.clear();
    ASSERT_TRUE(taken(3));
    guard_step_is(step_outcome::done, 3);
    r.forbids(*this);
    vm_.jobs["m0"].error = "Input/output error";
    const auto cancel = taken(6);
    EXPECT_EQ(cancel.has_value(), !operator_acts_);
    if (cancel) EXPECT_EQ(cancel->action, "migrate_cancel");
    if (cancel) EXPECT_TRUE(confirms(6, "switchover-guard", *cancel, std::nullopt));
    allow_again();
    if (!cancel) EXPECT_TRUE(taken(7));
  }
}

TEST_F(forbidden_guard, sets_nothing_in_advance_while_an_operator_acts) {
  vm_.migration.reset();
  vm_.migrates_with.pause_before_switchover = false;
  vm_.migrates_with.capabilities_at = at(2);
  const auto sets = [&](double second) {
    const vm_view view{.vm = vm_, .io = io_, .now = at(second)};
    return !engine_.step(look_at(view)).empty();
  };
  operator_acts_ = true;
  for (double t = 3; t < 9; t += 1) EXPECT_FALSE(sets(t));
  operator_acts_ = false;
  EXPECT_TRUE(sets(10));
}

}  // namespace
}  // namespace unwedge::policies
