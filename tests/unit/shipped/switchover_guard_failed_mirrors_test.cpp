// The shipped switchover-guard where mirrors fail, and where migrations end otherwise than by it.
#include "simulator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

using namespace fake;
using testing::HasSubstr;

constexpr const char* completes = "completes";
constexpr const char* survives = "runs on the source";

TEST(switchover_guard, cancels_when_a_mirror_fails_during_the_migration) {
  simulator s;
  s.at(1).mirror("m0");
  s.at(3).migrate();
  s.at(6).target_fails();
  s.until(120);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "6.0 open switchover-guard: mirror-at-switchover failed",
            "6.0 take switchover-guard: migrate_cancel", "6.0 close switchover-guard: recovered",
            "66.2 set brake off", "66.2 set pause-before-switchover off"});
  EXPECT_EQ(s.qemu().fate(), survives);
  EXPECT_THAT(s.transcript(), HasSubstr("mirror m0 failed (Input/output error)"));
}

TEST(switchover_guard, cancels_a_migration_that_begins_within_a_minute_of_a_mirrors_failure) {
  simulator s;
  s.at(1).mirror("m0");
  s.at(3).target_fails();
  s.at(40).migrate();
  s.until(200);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "40.0 open switchover-guard: mirror-at-switchover failed",
            "40.0 take switchover-guard: migrate_cancel", "40.0 close switchover-guard: recovered",
            "63.2 set brake off", "63.2 set pause-before-switchover off"});
  EXPECT_EQ(s.qemu().fate(), survives);
}

TEST(switchover_guard, leaves_a_migration_alone_that_begins_later) {
  simulator s;
  s.at(1).mirror("m0");
  s.at(3).target_fails();
  s.at(90).migrate();
  s.until(200);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on", "63.0 set brake off",
            "63.0 set pause-before-switchover off"});
  EXPECT_EQ(s.qemu().fate(), completes);
}

TEST(switchover_guard, cancels_when_one_of_several_mirrors_fails) {
  simulator s;
  s.at(1).mirror("m0", 5).mirror("m1", 20);
  s.at(3).migrate();
  s.at(10).target_fails("m1");
  s.until(120);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "10.0 open switchover-guard: mirror-at-switchover ready",
            "10.0 take switchover-guard: migrate_cancel", "10.1 close switchover-guard: recovered"});
  EXPECT_EQ(s.qemu().fate(), survives);
}

TEST(switchover_guard, cancels_over_a_failed_job_that_is_not_dismissed) {
  simulator s({.auto_dismiss = false});
  s.at(1).mirror("m0", 5);
  s.at(7).migrate();
  s.at(7.3).target_fails();
  s.until(60);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "7.0 open switchover-guard: mirror-at-switchover ready", "7.0 take switchover-guard: brake off",
            "7.3 take switchover-guard: migrate_cancel", "7.3 close switchover-guard: recovered",
            "7.3 set brake on"});
  EXPECT_EQ(s.qemu().fate(), survives);
}

TEST(switchover_guard, guards_the_next_migration_as_well) {
  simulator s;
  s.at(1).mirror("m0");
  s.at(3).migrate();
  s.at(6).target_fails();
  s.at(30).mirror("m0", 10);
  s.at(32).migrate();
  s.until(100);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "6.0 open switchover-guard: mirror-at-switchover failed",
            "6.0 take switchover-guard: migrate_cancel", "6.0 close switchover-guard: recovered",
            "40.0 open switchover-guard: mirror-at-switchover ready", "40.0 take switchover-guard: brake off",
            "42.0 take switchover-guard: block-job-cancel m0", "42.1 take switchover-guard: migrate-continue",
            "42.1 close switchover-guard: recovered", "42.1 set pause-before-switchover off"});
  EXPECT_EQ(s.qemu().fate(), completes);
}

TEST(switchover_guard, closes_when_the_manager_cancels) {
  simulator s;
  s.at(1).mirror("m0", 5);
  s.at(6.5).migrate();
  s.at(6.7).manager("migrate_cancel");
  s.until(60);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "6.5 open switchover-guard: mirror-at-switchover ready", "6.5 take switchover-guard: brake off",
            "6.7 close switchover-guard: recovered", "6.7 set brake on"});
  EXPECT_EQ(s.qemu().fate(), survives);
}

TEST(switchover_guard, closes_when_the_migration_fails) {
  simulator s;
  s.at(1).mirror("m0", 20);
  s.at(6).migrate();
  s.at(10).yanks_migration();
  s.until(60);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on"});
  EXPECT_EQ(s.qemu().fate(), survives);
}

TEST(switchover_guard, takes_a_mirror_whose_end_nobody_saw_for_a_failed_one) {
  simulator s;
  s.at(1).mirror("m0", 20);
  s.at(3).migrate();
  s.at(6).qemu([](scripted_qemu& q) { q.vanishes("m0"); });
  s.until(60);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "7.8 open switchover-guard: mirror-at-switchover failed",
            "7.8 take switchover-guard: migrate_cancel", "7.8 close switchover-guard: recovered"});
  EXPECT_THAT(s.transcript(), HasSubstr("mirror m0 failed (its end was not seen)"));
  EXPECT_EQ(s.qemu().fate(), survives);
}

}  // namespace
}  // namespace unwedge::policies
