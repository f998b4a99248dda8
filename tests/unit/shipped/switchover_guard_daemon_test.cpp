// The shipped switchover-guard over ends and restarts of the daemon.
#include "simulator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

using namespace fake;
using testing::HasSubstr;

constexpr const char* completes = "completes";
constexpr const char* survives = "runs on the source";

TEST(switchover_guard, takes_back_what_it_set_when_the_daemon_ends) {
  simulator s;
  s.at(1).mirror("m0");
  s.at(10).daemon_is_stopped(30);
  s.until(12);
  EXPECT_FALSE(s.qemu().capability("pause-before-switchover"));
  EXPECT_EQ(s.qemu().bandwidth(), 134'217'728);
  s.until(50);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on", "40.1 set pause-before-switchover on",
            "40.1 set brake on"});
}

TEST(switchover_guard, cancels_a_held_migration_when_the_daemon_ends) {
  simulator s;
  s.at(1).mirror("m0");
  s.at(5).migrate();
  s.at(10).daemon_is_stopped(30);
  s.until(12);
  EXPECT_FALSE(s.qemu().capability("pause-before-switchover"));
  EXPECT_EQ(s.qemu().bandwidth(), 134'217'728);
  s.until(100);
  EXPECT_EQ(s.qemu().fate(), survives);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on", "40.1 set pause-before-switchover on",
            "40.1 set brake on"});
}

TEST(switchover_guard, leaves_nothing_behind_that_would_stop_the_next_migration) {
  simulator s;
  s.at(1).mirror("m0");
  s.at(5).migrate();
  s.at(10).daemon_is_stopped(100'000);
  s.at(20).target_fails();
  s.at(100).migrate();
  s.until(300);
  EXPECT_FALSE(s.qemu().capability("pause-before-switchover"));
  EXPECT_EQ(s.qemu().fate(), completes) << s.transcript();
}

TEST(switchover_guard, finds_its_brake_again_after_it_was_killed) {
  simulator s;
  s.at(1).mirror("m0", 20);
  s.at(5).daemon_is_killed(3);
  s.at(10).migrate();
  s.until(60);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "21.0 open switchover-guard: mirror-at-switchover ready", "21.0 take switchover-guard: brake off",
            "23.2 take switchover-guard: block-job-cancel m0", "23.3 take switchover-guard: migrate-continue",
            "23.4 close switchover-guard: recovered", "23.4 set pause-before-switchover off"});
  EXPECT_EQ(s.qemu().fate(), completes);
  EXPECT_EQ(s.qemu().bandwidth(), 134'217'728);
}

TEST(switchover_guard, brings_a_migration_on_that_began_while_it_was_dead) {
  simulator s;
  s.at(1).mirror("m0", 20);
  s.at(5).daemon_is_killed(10);
  s.at(8).migrate();
  s.until(60);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "21.0 open switchover-guard: mirror-at-switchover ready", "21.0 take switchover-guard: brake off",
            "23.1 take switchover-guard: block-job-cancel m0", "23.1 take switchover-guard: migrate-continue",
            "23.2 close switchover-guard: recovered", "23.2 set pause-before-switchover off"});
  EXPECT_EQ(s.qemu().fate(), completes);
}

/// It is on disk, not QEMU's default.
TEST(switchover_guard, gives_back_after_a_kill_what_the_manager_had_set_before) {
  simulator s;
  s.at(0).manager("migrate-set-parameters", {{"max-bandwidth", 50'000'000}, {"downtime-limit", 500}});
  s.at(1).mirror("m0", 4);
  s.at(6).daemon_is_killed(3);
  s.at(20).manager("block-job-cancel", {{"device", "m0"}});
  s.until(120);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on", "20.0 set brake off",
            "20.0 set pause-before-switchover off"});
  EXPECT_EQ(s.qemu().bandwidth(), 50'000'000);
  EXPECT_FALSE(s.qemu().capability("pause-before-switchover"));
}

TEST(switchover_guard, cancels_after_a_kill_when_no_mirror_is_listed_any_more) {
  simulator s;
  s.at(1).mirror("m0", 20);
  s.at(5).migrate();
  s.at(10).daemon_is_killed(5);
  s.at(12).target_fails();
  s.until(60);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "15.1 open switchover-guard: mirror-at-switchover concluded",
            "15.1 take switchover-guard: migrate_cancel", "15.2 close switchover-guard: recovered"});
  EXPECT_THAT(s.transcript(), HasSubstr("how its mirrors ended was not seen"));
  EXPECT_EQ(s.qemu().fate(), survives);
}

}  // namespace
}  // namespace unwedge::policies
