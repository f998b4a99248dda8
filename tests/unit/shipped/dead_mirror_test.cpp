// The shipped dead-mirror: a copy whose target does not answer is given up before it can hang the VM.
#include "simulator.hpp"

#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

using namespace fake;

TEST(dead_mirror, yanks_a_target_that_has_owed_an_answer_for_half_a_minute) {
  simulator s;
  s.at(1).mirror("m0");
  s.at(5).target_dies();
  s.until(200);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "35.0 open dead-mirror/m0: mirror-stalled running", "35.0 take dead-mirror/m0: yank tgt",
            "35.0 close dead-mirror/m0: recovered", "95.2 set brake off",
            "95.2 set pause-before-switchover off"});
  EXPECT_EQ(s.qemu().fate(), "runs on the source");
}

TEST(dead_mirror, yanks_with_an_iothread_as_well_while_the_guest_runs) {
  simulator s({.release = release::qemu_10_0, .iothread = true});
  s.at(1).mirror("m0");
  s.at(5).target_dies();
  s.until(60);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "35.0 open dead-mirror/m0: mirror-stalled running", "35.0 take dead-mirror/m0: yank tgt",
            "35.0 close dead-mirror/m0: recovered"});
  EXPECT_EQ(s.qemu().fate(), "runs on the source");
}

TEST(dead_mirror, lets_a_target_be_that_comes_back_in_time) {
  simulator s;
  s.at(1).mirror("m0");
  s.at(5).target_dies();
  s.at(33).target_revives();
  s.until(120);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on"});
}

TEST(dead_mirror, never_yanks_a_target_that_comes_and_goes) {
  simulator s;
  s.at(1).mirror("m0");
  for (int t = 10; t < 600; t += 40) s.at(t).target_dies().at(t + 25).target_revives();
  s.until(600);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on"});
}

TEST(dead_mirror, lets_a_slow_copy_be) {
  simulator s;
  s.at(1).mirror("m0", 86'400);
  s.until(600);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on"});
}

/// Nothing is in flight, so nothing can be seen (qemu-facts 8.3), and nothing is hurt before a switchover.
TEST(dead_mirror, cannot_see_a_dead_target_behind_a_ready_mirror_of_an_idle_guest) {
  simulator s;
  s.at(1).mirror("m0", 5);
  s.at(10).target_dies();
  s.until(200);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on"});
}

TEST(dead_mirror, sees_it_when_the_guest_writes) {
  simulator s({.writes = true});
  s.at(1).mirror("m0", 5);
  s.at(10).target_dies();
  s.until(60);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "40.0 open dead-mirror/m0: mirror-stalled ready", "40.0 take dead-mirror/m0: yank tgt",
            "40.0 close dead-mirror/m0: recovered"});
}

TEST(dead_mirror, only_tells_where_there_is_no_out_of_band_channel) {
  simulator s({.oob = false});
  s.at(1).mirror("m0");
  s.at(5).target_dies();
  s.at(100).target_revives();
  s.until(200);
  tells(s,
        {"1.1 set pause-before-switchover on", "1.1 set brake on",
         "35.0 open dead-mirror/m0: mirror-stalled running", "100.0 close dead-mirror/m0: resolved-itself"});
}

TEST(dead_mirror, has_nothing_to_do_for_a_mirror_that_fails_by_itself) {
  simulator s;
  s.at(1).mirror("m0");
  s.at(5).target_fails();
  s.until(200);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on", "65.0 set brake off",
            "65.0 set pause-before-switchover off"});
}

TEST(dead_mirror, yanks_only_the_dead_one_of_two) {
  simulator s;
  s.at(1).mirror("m0").mirror("m1");
  s.at(5).target_dies("m1");
  s.until(100);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "35.0 open dead-mirror/m1: mirror-stalled running", "35.0 take dead-mirror/m1: yank tgt-m1",
            "35.0 close dead-mirror/m1: recovered"});
  EXPECT_TRUE(s.qemu().connected("m0"));
}

TEST(dead_mirror, yanks_two_dead_ones_one_after_the_other) {
  simulator s;
  s.at(1).mirror("m0").mirror("m1");
  s.at(5).target_dies("m0").target_dies("m1");
  s.until(200);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "35.0 open dead-mirror/m0: mirror-stalled running", "35.0 take dead-mirror/m0: yank tgt",
            "35.0 open dead-mirror/m1: mirror-stalled running", "35.0 take dead-mirror/m1: yank tgt-m1",
            "35.0 close dead-mirror/m0: recovered", "35.0 close dead-mirror/m1: recovered",
            "95.2 set brake off", "95.2 set pause-before-switchover off"});
}

/// The guard is sooner, and knows the order.
TEST(dead_mirror, leaves_it_to_the_guard_while_a_migration_runs) {
  simulator s;
  s.policy_called("switchover-guard").patience = std::chrono::hours(1);
  s.at(1).mirror("m0");
  s.at(3).migrate();
  s.at(5).target_dies();
  s.at(60).manager("migrate_cancel");
  s.until(100);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "35.3 open dead-mirror/m0: mirror-stalled running",
            "62.9 open monitor-stall: monitor-stalled main-loop-waits", "62.9 take monitor-stall: yank tgt",
            "63.0 close dead-mirror/m0: resolved-itself", "63.0 close monitor-stall: recovered"});
}

/// A monitor that does not answer is no ground: what is known of the job is old.
TEST(dead_mirror, waits_while_the_main_loop_is_busy) {
  simulator s;
  s.at(1).mirror("m0");
  s.at(5).target_dies();
  s.at(20).qemu([](scripted_qemu& q) { q.computes(true); });
  s.at(60).qemu([](scripted_qemu& q) { q.computes(false); });
  s.until(120);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "60.0 open dead-mirror/m0: mirror-stalled running", "60.0 take dead-mirror/m0: yank tgt",
            "60.0 close dead-mirror/m0: recovered"});
}

/// At the end of its copy a mirror flushes: a server behind a large cache takes minutes for it.
TEST(dead_mirror, yanks_a_target_that_flushes_only_after_five_minutes) {
  simulator s;
  s.at(1).mirror("m0", 10);
  s.at(5).target_flushes();
  s.until(350);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "311.0 open dead-mirror/m0: mirror-stalled running", "311.0 take dead-mirror/m0: yank tgt",
            "311.0 close dead-mirror/m0: recovered"});
}

TEST(dead_mirror, lets_a_target_be_that_flushes_for_four_minutes) {
  simulator s;
  s.at(1).mirror("m0", 10);
  s.at(5).target_flushes();
  s.at(250).target_revives();
  s.until(350);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on"});
}

}  // namespace
}  // namespace unwedge::policies
