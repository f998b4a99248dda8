// The shipped switchover-guard beside managers that know of mirrors, or set things themselves.
#include "simulator.hpp"

#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

using namespace fake;

constexpr const char* completes = "completes";
constexpr const char* survives = "runs on the source";

const boost::json::object over{{"state", "pre-switchover"}};

/// As libvirt does it: qemuMigrationSrcRun.
void guards_itself(simulator& s, double set_at = 0) {
  s.at(set_at).manager_sets("pause-before-switchover").manager_sets("events");
  s.at(1).mirror("m0", 5);
  s.at(10).migrate();
  s.at(11).manager("block-job-cancel", {{"device", "m0"}});
  s.at(11.1).manager("migrate-continue", over);
}

TEST(switchover_guard, leaves_a_manager_alone_that_guards_itself) {
  simulator s({.auto_dismiss = false});
  guards_itself(s);
  s.until(60);
  tells(s, {});
  EXPECT_EQ(s.qemu().fate(), completes);
  EXPECT_TRUE(s.qemu().capability("pause-before-switchover")) << "it is the manager's";
}

/// It set the capability after our connect, and before its mirror.
TEST(switchover_guard, leaves_a_manager_alone_that_sets_the_pause_when_we_watch_already) {
  simulator s({.auto_dismiss = false});
  guards_itself(s, 0.5);
  s.until(60);
  tells(s, {});
  EXPECT_EQ(s.qemu().fate(), completes);
  EXPECT_TRUE(s.qemu().capability("pause-before-switchover")) << "it is the manager's";
}

TEST(switchover_guard, leaves_libvirt_alone) {
  simulator s({.libvirt = true, .auto_dismiss = false});
  guards_itself(s);
  s.until(60);
  tells(s, {});
  EXPECT_EQ(s.qemu().fate(), completes);
}

TEST(switchover_guard, goes_on_for_a_libvirt_that_has_died_at_the_switchover) {
  simulator s({.libvirt = true, .auto_dismiss = false});
  s.at(0.5).manager_sets("pause-before-switchover").manager_sets("events");
  s.at(1).mirror("m0", 5);
  s.at(10).migrate();
  s.until(60);
  tells(s, {"15.5 open switchover-guard: mirror-at-switchover ready",
            "15.5 take switchover-guard: block-job-cancel m0", "15.6 take switchover-guard: migrate-continue",
            "15.6 close switchover-guard: recovered"});
  EXPECT_EQ(s.qemu().fate(), completes);
}

/// Nobody knows what else it wanted to do first: the guest comes back after its minute.
TEST(switchover_guard, never_continues_for_a_manager_that_concluded_its_mirror_and_died) {
  simulator s({.auto_dismiss = false});
  s.at(0).manager_sets("pause-before-switchover").manager_sets("events");
  s.at(1).mirror("m0", 5);
  s.at(10).migrate();
  s.at(11).manager("block-job-cancel", {{"device", "m0"}});
  s.until(120);
  tells(s, {"70.5 open switchover-overdue: switchover-overdue",
            "70.5 take switchover-overdue: migrate_cancel", "70.6 close switchover-overdue: recovered"});
  EXPECT_EQ(s.qemu().fate(), survives);
}

/// What is left to conclude it concludes; that the manager concluded one as well leaves the end to it.
TEST(switchover_guard, never_continues_for_a_manager_that_concluded_one_of_two_and_died) {
  simulator s({.auto_dismiss = false});
  s.at(0).manager_sets("pause-before-switchover").manager_sets("events");
  s.at(1).mirror("m0", 5).mirror("m1", 5);
  s.at(10).migrate();
  s.at(11).manager("block-job-cancel", {{"device", "m0"}});
  s.until(120);
  tells(s,
        {"16.2 open switchover-guard: mirror-at-switchover ready",
         "16.2 take switchover-guard: block-job-cancel m1",
         "70.5 open switchover-overdue: switchover-overdue", "70.5 take switchover-overdue: migrate_cancel",
         "70.6 close switchover-overdue: recovered", "70.6 close switchover-guard: recovered"});
  EXPECT_EQ(s.qemu().fate(), survives);
}

TEST(switchover_guard, cancels_for_a_dead_manager_whose_mirror_failed) {
  simulator s({.auto_dismiss = false});
  s.at(0).manager_sets("pause-before-switchover").manager_sets("events");
  s.at(1).mirror("m0", 5);
  s.at(10).migrate();
  s.at(11).target_fails();
  s.until(60);
  tells(s, {"16.0 open switchover-guard: mirror-at-switchover failed",
            "16.0 take switchover-guard: migrate_cancel", "16.1 close switchover-guard: recovered"});
  EXPECT_EQ(s.qemu().fate(), survives);
}

TEST(switchover_guard, does_not_ask_again_for_what_a_manager_switched_off) {
  simulator s;
  s.at(1).mirror("m0", 20);
  s.at(5).manager_sets("pause-before-switchover", false);
  s.at(6).migrate();
  s.until(60);
  tells_first(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
                  "21.0 open switchover-guard: mirror-at-switchover ready",
                  "21.0 take switchover-guard: brake off", "21.6 close switchover-guard: recovered"});
  EXPECT_EQ(s.qemu().fate(), completes);
}

/// A manager that wants the pause and no events: the migration must be seen all the same.
TEST(switchover_guard, sees_a_migration_that_sends_no_events) {
  for (const bool iothread : {false, true}) {
    SCOPED_TRACE(iothread);
    simulator s({.iothread = iothread, .ram_mib = 2'000});
    s.at(0).manager_sets("pause-before-switchover");
    s.at(1).mirror("m0");
    s.at(3).migrate();
    s.at(5).target_dies();
    s.until(100);
    EXPECT_EQ(s.qemu().fate(), survives) << s.transcript();
    keeps_the_rules(s);
  }
}

/// Its cancel comes too late: vm_stop hangs already, and a yank would make QEMU abort.
TEST(switchover_guard, never_yanks_after_a_cancel_that_nobody_answered) {
  simulator s({.iothread = true, .writes = true, .ram_mib = 1});
  s.at(0).manager_sets("pause-before-switchover").manager_sets("events");
  s.at(1).mirror("m0", 3);
  s.at(5).target_dies();
  s.at(20).migrate();
  s.until(60);
  keeps_the_rules(s);
  EXPECT_NE(s.qemu().fate(), "aborts") << s.transcript();
}

TEST(switchover_guard, never_acts_in_post_copy) {
  simulator s({.ram_mib = 4'000});
  s.at(0.5).manager_sets("postcopy-ram").manager_sets("events");
  s.at(1).mirror("m0", 5);
  s.at(8).migrate();
  s.at(9).manager("migrate-start-postcopy");
  s.at(10).target_dies();
  s.until(60);
  tells_first(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
                  "8.0 open switchover-guard: mirror-at-switchover ready",
                  "8.0 take switchover-guard: brake off", "14.0 close switchover-guard: recovered"});
}

}  // namespace
}  // namespace unwedge::policies
