// The daemon killed at any instant: a new one takes the open incidents up, and no rung is taken twice.
#include "simulator.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace unwedge::policies {
namespace {

using namespace fake;

constexpr const char* survives = "runs on the source";

std::ptrdiff_t taken(const simulator& s, const std::string& what) {
  return std::ranges::count_if(
      s.story(), [&](const auto& line) { return line.contains(" take ") && line.ends_with(what); });
}

class killed_daemon : public testing::TestWithParam<killed> {};

TEST_P(killed_daemon, does_not_yank_a_dead_mirrors_target_twice) {
  simulator s;
  s.at(1).mirror("m0");
  s.at(5).target_dies().daemon_is_killed(GetParam(), 20);
  s.until(300);
  EXPECT_EQ(taken(s, "yank tgt"), 1) << s.transcript();
  s.at(310).target_fails();
  s.until(500);
  EXPECT_FALSE(s.incident_open()) << s.transcript();
  keeps_the_rules(s);
}

TEST_P(killed_daemon, does_not_yank_what_the_main_loop_waits_for_twice) {
  simulator s;
  s.policy_called("switchover-guard").enabled = false;
  s.at(1).mirror("m0");
  s.at(2).target_dies();
  s.at(2.5).migrate();
  s.at(3).daemon_is_killed(GetParam(), 20);
  s.until(300);
  EXPECT_EQ(taken(s, "yank tgt"), 1) << s.transcript();
  keeps_the_rules(s);
}

TEST_P(killed_daemon, cancels_an_overdue_switchover_in_the_end) {
  simulator s;
  s.at(1).manager_sets("pause-before-switchover").manager_sets("events");
  s.at(2).migrate();
  s.at(10).daemon_is_killed(GetParam(), 20);
  s.at(200).manager("migrate_cancel");
  s.until(300);
  EXPECT_EQ(taken(s, "migrate_cancel"), 1) << s.transcript();
  EXPECT_FALSE(s.incident_open()) << s.transcript();
  EXPECT_EQ(s.qemu().fate(), survives);
  keeps_the_rules(s);
}

INSTANTIATE_TEST_SUITE_P(anywhere, killed_daemon,
                         testing::Values(killed::with_the_intent_on_record, killed::with_the_command_sent),
                         [](const auto& p) {
                           return p.param == killed::with_the_command_sent ? "with_the_command_sent"
                                                                           : "with_the_intent_on_record";
                         });

/// At any hundredth of a second of a guarded migration, and back three seconds later.
TEST(killed_daemon, leaves_no_guest_standing_and_no_copy_broken_in_a_guarded_switchover) {
  for (double t = 10.95; t < 11.75; t += 0.01) {
    SCOPED_TRACE(t);
    simulator s;
    s.at(1).mirror("m0", 10);
    s.at(5).migrate();
    s.at(t).daemon_is_killed(3);
    s.until(120);
    const auto fate = s.qemu().fate();
    ASSERT_TRUE(fate == "completes" || fate == survives) << fate << "\n" << s.transcript();
    EXPECT_FALSE(s.incident_open()) << s.transcript();
    keeps_the_rules(s);
  }
}

/// Its failure was an event that nobody heard, and the job is not listed any more.
TEST(killed_daemon, never_continues_over_a_mirror_that_failed_while_it_was_dead) {
  for (const bool auto_dismiss : {true, false}) {
    SCOPED_TRACE(auto_dismiss);
    simulator s({.auto_dismiss = auto_dismiss});
    s.at(1).mirror("m0", 20);
    s.at(5).migrate();
    s.at(10).daemon_is_killed(5);
    s.at(12).target_fails();
    s.until(120);
    EXPECT_EQ(s.qemu().fate(), survives) << s.transcript();
    EXPECT_FALSE(s.incident_open()) << s.transcript();
    keeps_the_rules(s);
  }
}

TEST(killed_daemon, never_continues_a_migration_that_it_had_meant_to_cancel) {
  simulator s;
  s.at(1).mirror("m0", 20);
  s.at(5).migrate();
  s.at(9).daemon_is_killed(killed::with_the_intent_on_record, 5);
  s.at(10).target_fails();
  s.until(120);
  EXPECT_EQ(s.qemu().fate(), survives) << s.transcript();
  keeps_the_rules(s);
}

/// The manager gives the migration up while nobody watches; its next one has no mirrors.
TEST(killed_daemon, leaves_nothing_behind_that_would_stop_the_next_migration) {
  for (double t = 10.95; t < 11.75; t += 0.05) {
    SCOPED_TRACE(t);
    simulator s;
    s.at(1).mirror("m0", 10);
    s.at(5).migrate();
    s.at(t).daemon_is_killed(3);
    s.at(t + 1).manager("migrate_cancel");
    s.at(20).target_fails();
    s.at(100).migrate();
    s.until(200);
    ASSERT_EQ(s.qemu().fate(), "completes") << s.transcript();
    ASSERT_EQ(s.qemu().bandwidth(), 134'217'728) << s.transcript();
  }
}

/// On 7.2 the cancel alone hangs, and a daemon killed between cancel and yank comes back to a VM that it
/// cannot ask any more; hence 10.0.
TEST(killed_daemon, brings_a_dead_target_to_its_end_whenever_it_was_killed) {
  for (double t = 14.9; t < 15.6; t += 0.01) {
    SCOPED_TRACE(t);
    simulator s({.release = release::qemu_10_0});
    s.at(1).mirror("m0");
    s.at(3).migrate();
    s.at(5).target_dies();
    s.at(t).daemon_is_killed(3);
    s.until(200);
    ASSERT_EQ(s.qemu().fate(), survives) << s.transcript();
    ASSERT_FALSE(s.incident_open()) << s.transcript();
    keeps_the_rules(s);
  }
}

}  // namespace
}  // namespace unwedge::policies
