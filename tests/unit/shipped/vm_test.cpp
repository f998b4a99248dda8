// What holds for all shipped policies: the frame that operator and host set, and VMs that are to be left
// alone.
#include "simulator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

using namespace fake;
using testing::AnyOf;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

void dead_target(simulator& s) {
  s.at(1).mirror("m0");
  s.at(5).target_dies();
}

TEST(a_vm, that_is_well_is_left_alone) {
  simulator s;
  s.until(7'200);
  tells(s, {});
}

TEST(a_vm, that_its_user_pauses_is_left_paused) {
  simulator s;
  s.at(5).manager("stop");
  s.at(3'000).manager("cont");
  s.until(3'600);
  tells(s, {});
  EXPECT_EQ(s.qemu().run_state(), "running");
}

TEST(a_vm, that_its_user_pauses_beside_a_mirror_is_left_paused) {
  simulator s;
  s.at(1).mirror("m0", 5);
  s.at(10).manager("stop");
  s.until(600);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on"});
  EXPECT_EQ(s.qemu().run_state(), "paused");
}

TEST(a_vm, that_its_user_paused_migrates_with_its_mirror_and_stays_paused) {
  simulator s;
  s.at(1).mirror("m0", 10);
  s.at(5).manager("stop");
  s.at(7).migrate();
  s.at(8).target_fails();
  s.until(60);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "8.0 open switchover-guard: mirror-at-switchover failed",
            "8.0 take switchover-guard: migrate_cancel", "8.1 close switchover-guard: recovered"});
  EXPECT_EQ(s.qemu().run_state(), "paused");
}

TEST(a_vm, in_post_copy_gets_no_command_whatever_happens) {
  simulator s({.writes = true, .ram_mib = 4'000});
  s.at(0).manager_sets("postcopy-ram").manager_sets("events");
  s.at(1).migrate();
  s.at(2).mirror("m0");
  s.at(3).manager("migrate-start-postcopy");
  s.at(4).destination_freezes().target_dies();
  s.at(1'000).target_revives();
  s.at(2'000).destination_freezes(false);
  s.until(1'990);
  EXPECT_EQ(s.qemu().migration_status(), "postcopy-active");
  EXPECT_THAT(s.story(), Each(Not(AnyOf(HasSubstr("migrate_cancel"), HasSubstr("yank"))))) << s.transcript();
  s.until(3'000);
  EXPECT_EQ(s.qemu().migration_status(), "completed");
  keeps_the_rules(s);
}

TEST(a_vm, that_may_only_be_observed_is_not_touched) {
  simulator s;
  s.frame().allowed = authority::observe;
  dead_target(s);
  s.at(100).target_fails();
  s.until(200);
  tells(s, {"35.0 open dead-mirror/m0: mirror-stalled running",
            "35.0 record dead-mirror/m0: yank tgt observed", "100.0 close dead-mirror/m0: observed"});
  EXPECT_FALSE(s.qemu().capability("pause-before-switchover"));
}

TEST(a_vm, in_a_dry_run_is_not_touched) {
  simulator s;
  s.frame().dry_run = true;
  dead_target(s);
  s.at(100).target_fails();
  s.until(200);
  tells(s, {"35.0 open dead-mirror/m0: mirror-stalled running",
            "35.0 record dead-mirror/m0: yank tgt dry-run", "100.0 close dead-mirror/m0: dry-run"});
  EXPECT_FALSE(s.qemu().capability("pause-before-switchover"));
}

TEST(a_vm, whose_policy_runs_dry_is_not_touched_by_it) {
  simulator s;
  s.policy_called("dead-mirror").dry_run = true;
  dead_target(s);
  s.at(100).target_fails();
  s.until(120);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "35.0 open dead-mirror/m0: mirror-stalled running",
            "35.0 record dead-mirror/m0: yank tgt dry-run", "100.0 close dead-mirror/m0: dry-run"});
}

TEST(a_vm, that_its_operator_holds_is_acted_on_when_it_is_released) {
  simulator s;
  s.frame().held = "maintenance";
  dead_target(s);
  s.at(120).frame([](action_frame& f) { f.held.clear(); });
  s.until(150);
  tells(s, {"35.0 open dead-mirror/m0: mirror-stalled running",
            "35.0 record dead-mirror/m0: yank tgt held: maintenance", "120.0 take dead-mirror/m0: yank tgt",
            "120.0 set pause-before-switchover on", "120.0 set brake on",
            "120.0 close dead-mirror/m0: recovered"});
}

TEST(a_vm, whose_authority_is_raised_is_acted_on) {
  simulator s;
  s.frame().allowed = authority::observe;
  dead_target(s);
  s.at(120).frame([](action_frame& f) { f.allowed = authority::protect; });
  s.until(150);
  tells(s,
        {"35.0 open dead-mirror/m0: mirror-stalled running", "35.0 record dead-mirror/m0: yank tgt observed",
         "120.0 take dead-mirror/m0: yank tgt", "120.0 set pause-before-switchover on", "120.0 set brake on",
         "120.0 close dead-mirror/m0: recovered"});
}

TEST(a_vm, on_a_starved_host_is_acted_on_when_that_is_over) {
  simulator s;
  s.at(4).frame([](action_frame& f) { f.host_starved = "3 of 4 VMs are late at once"; });
  dead_target(s);
  s.at(120).frame([](action_frame& f) { f.host_starved.clear(); });
  s.until(150);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "35.0 open dead-mirror/m0: mirror-stalled running",
            "35.0 record dead-mirror/m0: yank tgt host-starved: 3 of 4 VMs are late at once",
            "120.0 take dead-mirror/m0: yank tgt", "120.0 close dead-mirror/m0: recovered"});
}

/// A guest that stands still in our hands is brought on whatever the frame says by now.
TEST(a_vm, that_is_held_in_the_middle_of_a_guarded_migration_is_brought_to_its_end) {
  for (double t = 9.5; t < 12; t += 0.02) {
    SCOPED_TRACE(t);
    simulator s;
    s.at(1).mirror("m0", 10);
    s.at(5).migrate();
    s.at(t).frame([](action_frame& f) { f.held = "maintenance"; });
    s.until(60);
    keeps_the_rules(s);
    EXPECT_EQ(s.qemu().fate(), "completes") << s.transcript();
    EXPECT_FALSE(s.incident_open()) << s.transcript();
  }
}

/// What was set in advance goes back when it may not be there.
TEST(a_vm, whose_authority_is_lowered_gets_its_settings_back) {
  simulator s;
  s.at(1).mirror("m0");
  s.at(10).frame([](action_frame& f) { f.allowed = authority::observe; });
  s.until(20);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on", "10.0 set brake off",
            "10.0 set pause-before-switchover off"});
  EXPECT_FALSE(s.qemu().capability("pause-before-switchover"));
}

TEST(a_vm, without_policies_is_only_watched) {
  simulator s;
  s.policies().clear();
  dead_target(s);
  s.at(50).migrate();
  s.until(120);
  tells(s, {});
}

TEST(a_vm, that_no_policy_matches_is_only_watched) {
  simulator s;
  for (auto& p : s.policies()) p.match.names = {"db*"};
  dead_target(s);
  s.until(120);
  tells(s, {});
}

}  // namespace
}  // namespace unwedge::policies
