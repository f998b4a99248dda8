// Budgets and cooldown: a wrong policy must not walk through a fleet, a flapping condition not through a
// night.
#include "simulator.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace unwedge::policies {
namespace {

using namespace fake;
using testing::Contains;
using testing::HasSubstr;

/// A manager that starts the copy anew each time, to a target that dies each time.
void dies_again_and_again(simulator& s, int times) {
  for (int i = 0; i < times; ++i) {
    s.at(1 + 100 * i).mirror("m0");
    s.at(5 + 100 * i).target_dies();
    s.at(95 + 100 * i).target_fails();
  }
}

std::size_t yanks(const simulator& s) {
  return static_cast<std::size_t>(std::ranges::count_if(
      s.story(), [](const auto& line) { return line.contains(": yank tgt") && line.contains(" take "); }));
}

/// docs/policies.md: more would do the same again to a VM that is not understood, fewer leave a rung untried.
TEST(budget, of_a_vm_is_one_pass_through_the_remedies_of_a_hang) {
  simulator s;
  const auto& by = s.policy_called("monitor-stall");
  const auto remedies = std::ranges::count_if(by.ladder, [](const rung& r) { return cures_stall(r.action); });
  EXPECT_EQ(by.budget.per_vm, static_cast<std::size_t>(remedies));
}

TEST(budget, of_a_vm_allows_three_steps_of_a_policy_an_hour) {
  simulator s;
  dies_again_and_again(s, 6);
  s.until(600);
  EXPECT_EQ(yanks(s), 3U);
  EXPECT_THAT(
      s.story(),
      Contains(HasSubstr("record dead-mirror/m0: yank tgt budget: dead-mirror took 3 steps on this VM")));
  keeps_the_rules(s);
}

TEST(budget, of_a_vm_is_there_again_after_an_hour) {
  simulator s;
  dies_again_and_again(s, 40);
  s.until(4'000);
  EXPECT_EQ(yanks(s), 3U + 3U);
  keeps_the_rules(s);
}

TEST(budget, of_a_host_is_shared_by_its_vms) {
  step_budget host;
  std::vector<std::unique_ptr<simulator>> vms;
  std::size_t all = 0;
  for (int i = 0; i < 8; ++i) {
    auto& s = *vms.emplace_back(std::make_unique<simulator>(machine{}, &host));
    dies_again_and_again(s, 2);
  }
  for (int second = 1; second <= 200; ++second) {
    for (auto& s : vms) s->until(second);
  }
  for (auto& s : vms) {
    all += yanks(*s);
    keeps_the_rules(*s);
  }
  EXPECT_EQ(all, 10U);
  EXPECT_THAT(vms.back()->story(), Contains(HasSubstr("budget: dead-mirror took 10 steps on this host")));
}

TEST(budget, of_one_policy_is_none_of_anothers) {
  simulator s;
  s.policy_called("dead-mirror").budget.per_vm = 0;
  s.policy_called("switchover-guard").enabled = false;
  s.at(1).mirror("m0");
  s.at(5).target_dies();
  s.at(60).migrate();
  s.until(100);
  tells(s, {"35.0 open dead-mirror/m0: mirror-stalled running",
            "35.0 record dead-mirror/m0: yank tgt budget: dead-mirror took 0 steps on this VM within 1 h",
            "63.4 open monitor-stall: monitor-stalled bql-held", "63.4 take monitor-stall: yank tgt",
            "63.5 close dead-mirror/m0: observed", "63.5 close monitor-stall: recovered"});
}

TEST(budget, is_not_spent_by_what_is_only_recorded) {
  simulator s;
  s.frame().allowed = authority::observe;
  dies_again_and_again(s, 5);
  s.at(450).frame([](action_frame& f) { f.allowed = authority::protect; });
  s.until(500);
  EXPECT_EQ(yanks(s), 1U) << s.transcript();
}

TEST(cooldown, keeps_a_policy_from_opening_another_incident) {
  simulator s;
  s.policy_called("dead-mirror").cooldown = std::chrono::seconds(250);
  dies_again_and_again(s, 4);
  s.until(400);
  EXPECT_EQ(yanks(s), 2U) << s.transcript();
  keeps_the_rules(s);
}

/// In the hands of the guard a guest must not be left standing for want of a budget.
TEST(budget, of_the_guard_is_enough_for_a_night_of_failed_attempts) {
  simulator s;
  for (int i = 0; i < 20; ++i) {
    s.at(1 + 180 * i).mirror("m0", 5);
    s.at(10 + 180 * i).migrate();
    s.at(10.3 + 180 * i).target_fails();
  }
  s.until(3'600);
  EXPECT_EQ(s.qemu().fate(), "runs on the source") << s.transcript();
  EXPECT_FALSE(s.incident_open());
  keeps_the_rules(s);
}

}  // namespace
}  // namespace unwedge::policies
