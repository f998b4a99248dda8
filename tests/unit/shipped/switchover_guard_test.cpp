// The shipped switchover-guard beside a manager that starts migrations as if there were no mirrors.
#include "simulator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

using namespace fake;
using testing::HasSubstr;

constexpr const char* completes = "completes";
constexpr const char* survives = "runs on the source";

TEST(switchover_guard, is_armed_while_a_mirror_runs_and_no_longer) {
  simulator s;
  s.at(1).mirror("m0", 5);
  s.at(8).manager("block-job-cancel", {{"device", "m0"}});
  s.until(7);
  EXPECT_TRUE(s.qemu().capability("pause-before-switchover"));
  EXPECT_TRUE(s.qemu().capability("events"));
  EXPECT_EQ(s.qemu().bandwidth(), 1'013);
  EXPECT_EQ(s.standing(), "armed");
  s.until(20);
  EXPECT_FALSE(s.qemu().capability("pause-before-switchover"));
  EXPECT_EQ(s.qemu().bandwidth(), 134'217'728);
  EXPECT_EQ(s.standing(), "");
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on", "8.0 set brake off",
            "8.0 set pause-before-switchover off"});
}

TEST(switchover_guard, brings_a_ready_mirror_over_the_switchover) {
  simulator s;
  s.at(1).mirror("m0", 5);
  s.at(10).migrate();
  s.until(30);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "10.0 open switchover-guard: mirror-at-switchover ready", "10.0 take switchover-guard: brake off",
            "12.2 take switchover-guard: block-job-cancel m0", "12.3 take switchover-guard: migrate-continue",
            "12.3 close switchover-guard: recovered", "12.3 set pause-before-switchover off"});
  EXPECT_EQ(s.qemu().fate(), completes);
}

TEST(switchover_guard, holds_a_migration_until_its_mirror_is_ready) {
  simulator s;
  s.at(1).mirror("m0", 60);
  s.at(2).migrate();
  s.until(50);
  EXPECT_EQ(s.qemu().migration_status(), "active");
  s.until(70);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "61.0 open switchover-guard: mirror-at-switchover ready", "61.0 take switchover-guard: brake off",
            "63.2 take switchover-guard: block-job-cancel m0", "63.3 take switchover-guard: migrate-continue",
            "63.4 close switchover-guard: recovered", "63.4 set pause-before-switchover off"});
  EXPECT_EQ(s.qemu().fate(), completes);
}

TEST(switchover_guard, holds_even_the_migration_of_an_idle_guest_that_takes_milliseconds) {
  simulator s({.ram_mib = 1});
  s.at(1).mirror("m0", 10);
  s.at(5).migrate();
  s.until(30);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "11.0 open switchover-guard: mirror-at-switchover ready", "11.0 take switchover-guard: brake off",
            "12.8 take switchover-guard: block-job-cancel m0", "12.8 take switchover-guard: migrate-continue",
            "12.8 close switchover-guard: recovered", "12.8 set pause-before-switchover off"});
  EXPECT_EQ(s.qemu().fate(), completes);
}

TEST(switchover_guard, gives_a_migration_up_whose_mirror_is_not_ready_in_ten_minutes) {
  simulator s;
  s.at(1).mirror("m0", 10'000);
  s.at(5).migrate();
  s.until(700);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "605.0 open switchover-guard: mirror-at-switchover not-ready",
            "605.0 take switchover-guard: migrate_cancel", "605.0 close switchover-guard: recovered"});
  EXPECT_EQ(s.qemu().fate(), survives);
}

TEST(switchover_guard, concludes_all_of_several_mirrors) {
  simulator s;
  s.at(1).mirror("m0", 5).mirror("m1", 20);
  s.at(3).migrate();
  s.until(60);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "21.0 open switchover-guard: mirror-at-switchover ready", "21.0 take switchover-guard: brake off",
            "23.2 take switchover-guard: block-job-cancel m0",
            "23.3 take switchover-guard: block-job-cancel m1", "23.3 take switchover-guard: migrate-continue",
            "23.4 close switchover-guard: recovered", "23.4 set pause-before-switchover off"});
  EXPECT_EQ(s.qemu().fate(), completes);
}

TEST(switchover_guard, concludes_jobs_that_are_not_dismissed_by_themselves) {
  simulator s({.auto_dismiss = false});
  s.at(1).mirror("m0", 5);
  s.at(10).migrate();
  s.until(30);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "10.0 open switchover-guard: mirror-at-switchover ready", "10.0 take switchover-guard: brake off",
            "12.2 take switchover-guard: block-job-cancel m0", "12.3 take switchover-guard: migrate-continue",
            "12.3 close switchover-guard: recovered", "12.3 set pause-before-switchover off"});
  EXPECT_EQ(s.qemu().fate(), completes);
}

TEST(switchover_guard, knows_10_0s_zero_page_detection) {
  simulator s({.release = release::qemu_10_0});
  s.at(1).mirror("m0", 5);
  s.at(10).migrate();
  s.until(30);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "10.0 open switchover-guard: mirror-at-switchover ready", "10.0 take switchover-guard: brake off",
            "12.2 take switchover-guard: block-job-cancel m0", "12.3 take switchover-guard: migrate-continue",
            "12.3 close switchover-guard: recovered", "12.3 set pause-before-switchover off"});
  EXPECT_EQ(s.qemu().fate(), completes);
}

TEST(switchover_guard, of_a_mirror_that_begins_during_a_migration) {
  simulator s({.ram_mib = 2'000});
  s.at(1).manager_sets("events");
  s.at(2).migrate();
  s.at(5).mirror("m0", 30);
  s.until(100);
  tells_first(s, {"5.0 open switchover-guard: mirror-at-switchover not-ready",
                  "5.0 take switchover-guard: brake on", "35.0 take switchover-guard: brake off"});
  EXPECT_EQ(s.qemu().fate(), completes);
}

TEST(switchover_guard, keeps_what_the_manager_sets_for_its_migration) {
  simulator s;
  s.at(1).mirror("m0", 20);
  s.at(5).manager("migrate-set-parameters", {{"max-bandwidth", 50'000'000}}).migrate();
  s.until(60);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "5.0 open switchover-guard: mirror-at-switchover not-ready",
            "5.0 take switchover-guard: brake on", "21.0 take switchover-guard: brake off",
            "24.0 take switchover-guard: block-job-cancel m0", "24.1 take switchover-guard: migrate-continue",
            "24.1 close switchover-guard: recovered", "24.1 set pause-before-switchover off"});
  EXPECT_EQ(s.qemu().fate(), completes);
  EXPECT_EQ(s.qemu().bandwidth(), 50'000'000);
}

TEST(switchover_guard, waits_at_the_switchover_for_a_mirror_that_gets_ready) {
  simulator s;
  s.at(1).mirror("m0", 20);
  s.at(5).migrate();
  s.at(17).manager("migrate-set-parameters", {{"max-bandwidth", 134'217'728}, {"downtime-limit", 300}});
  s.until(60);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "21.0 open switchover-guard: mirror-at-switchover ready",
            "21.0 take switchover-guard: block-job-cancel m0", "21.1 take switchover-guard: migrate-continue",
            "21.1 close switchover-guard: recovered", "21.1 set pause-before-switchover off"});
  EXPECT_EQ(s.qemu().fate(), completes);
}

TEST(switchover_guard, cancels_at_the_switchover_when_the_guest_has_stood_still_for_ten_seconds) {
  simulator s;
  s.at(1).mirror("m0", 100);
  s.at(5).migrate();
  s.at(17).manager("migrate-set-parameters", {{"max-bandwidth", 134'217'728}, {"downtime-limit", 300}});
  s.until(60);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "27.5 open switchover-guard: mirror-at-switchover not-ready",
            "27.5 take switchover-guard: migrate_cancel", "27.6 close switchover-guard: recovered",
            "27.6 set brake on"});
  EXPECT_EQ(s.qemu().fate(), survives);
}

TEST(switchover_guard, keeps_a_bandwidth_that_the_manager_sets_for_a_held_migration) {
  simulator s;
  s.at(1).mirror("m0", 20);
  s.at(5).migrate();
  s.at(17).manager("migrate-set-parameters", {{"max-bandwidth", 5'000'000}});
  s.until(60);
  EXPECT_EQ(s.qemu().fate(), completes) << s.transcript();
  EXPECT_EQ(s.qemu().bandwidth(), 5'000'000) << s.transcript();
  keeps_the_rules(s);
}

/// What has moved away is not guarded any more.
TEST(switchover_guard, sets_nothing_in_a_vm_that_has_moved_away) {
  simulator s({.ram_mib = 2'000});
  s.at(1).manager_sets("events");
  s.at(2).migrate();
  s.at(5).mirror("m0", 10);
  s.until(60);
  EXPECT_EQ(s.qemu().fate(), completes);
  EXPECT_THAT(s.story().back(), HasSubstr("close switchover-guard: recovered")) << s.transcript();
}

}  // namespace
}  // namespace unwedge::policies
