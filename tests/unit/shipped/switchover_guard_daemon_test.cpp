// The shipped switchover-guard over ends and restarts of the daemon.
#include "simulator.hpp"

#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

using namespace fake;

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
  s.until(100);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on"});
  EXPECT_EQ(s.qemu().fate(), survives);
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
            "22.0 take switchover-guard: block-job-cancel m0", "22.1 take switchover-guard: migrate-continue",
            "22.1 close switchover-guard: recovered", "22.1 set pause-before-switchover off"});
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
            "22.0 take switchover-guard: block-job-cancel m0", "22.1 take switchover-guard: migrate-continue",
            "22.1 close switchover-guard: recovered", "22.1 set pause-before-switchover off"});
  EXPECT_EQ(s.qemu().fate(), completes);
}

}  // namespace
}  // namespace unwedge::policies
