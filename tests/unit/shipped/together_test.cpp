// Two conditions at once on one VM: each policy goes its way, one step at a time.
#include "simulator.hpp"

#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

using namespace fake;

constexpr const char* survives = "runs on the source";

TEST(together, a_dead_mirror_and_a_job_that_waits) {
  simulator s;
  s.at(1).mirror("m0").job("b0", "backup", "running").job("b0", "backup", "pending");
  s.at(590).target_dies();
  s.at(700).job("b0", "backup", "null");
  s.until(800);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "601.0 open stuck-job/b0: job-stuck pending", "620.0 open dead-mirror/m0: mirror-stalled running",
            "620.0 take dead-mirror/m0: yank tgt", "620.0 close dead-mirror/m0: recovered",
            "680.3 set brake off", "680.3 set pause-before-switchover off",
            "700.0 close stuck-job/b0: observed"});
}

TEST(together, a_dead_mirror_and_a_guests_disk_that_stands_still) {
  simulator s;
  s.at(1).mirror("m0");
  s.at(10).target_dies().qemu([](scripted_qemu& q) { q.disk_stalls(true); });
  s.at(200).qemu([](scripted_qemu& q) { q.disk_stalls(false); });
  s.until(300);
  tells(s,
        {"1.1 set pause-before-switchover on", "1.1 set brake on",
         "40.0 open dead-mirror/m0: mirror-stalled running", "40.0 take dead-mirror/m0: yank tgt",
         "40.0 close dead-mirror/m0: recovered", "70.2 open guest-io-stall//srv/web01.qcow2: guest-io-stall",
         "100.3 set brake off", "100.3 set pause-before-switchover off",
         "201.0 close guest-io-stall//srv/web01.qcow2: observed"});
}

/// Nothing is in flight to a READY mirror's dead target, so the guard lets the migration go: the flush of
/// vm_stop hangs. The stall's policy yanks, the guard cancels over the failed mirror.
TEST(together, the_guard_and_the_stall_of_a_target_that_nobody_could_see_dead) {
  for (const bool iothread : {false, true}) {
    SCOPED_TRACE(iothread);
    simulator s({.iothread = iothread});
    s.at(1).mirror("m0", 5);
    s.at(8).target_dies();
    s.at(10).migrate();
    s.until(60);
    EXPECT_EQ(s.qemu().fate(), survives) << s.transcript();
    EXPECT_FALSE(s.incident_open()) << s.transcript();
    keeps_the_rules(s);
  }
}

TEST(together, the_guard_at_the_switchover_and_one_that_is_overdue) {
  simulator s({.auto_dismiss = false});
  s.policy_called("switchover-guard").guard.stopped_for = std::chrono::seconds(300);
  s.at(0).manager_sets("pause-before-switchover").manager_sets("events");
  s.at(1).mirror("m0", 200);
  s.at(2).migrate();
  s.at(4).manager("migrate-set-parameters", {{"max-bandwidth", 134'217'728}, {"downtime-limit", 300}});
  s.at(100).target_fails();
  s.until(300);
  tells(s,
        {"2.0 open switchover-guard: mirror-at-switchover not-ready", "2.0 take switchover-guard: brake on",
         "64.5 open switchover-overdue: switchover-overdue", "64.5 take switchover-overdue: migrate_cancel",
         "64.6 close switchover-overdue: recovered", "64.6 close switchover-guard: recovered"});
  EXPECT_EQ(s.qemu().fate(), survives);
  EXPECT_EQ(s.qemu().bandwidth(), 134'217'728);
}

TEST(together, a_migration_without_progress_beside_a_mirror_that_dies) {
  simulator s({.ram_mib = 4'000, .dirties_mib = 200});
  s.at(1).manager_sets("events");
  s.at(2).mirror("m0", 5);
  s.at(10).migrate();
  s.at(400).target_dies();
  s.until(500);
  EXPECT_FALSE(s.qemu().migration_status() == "completed") << s.transcript();
  keeps_the_rules(s);
}

TEST(together, two_dead_mirrors_and_a_switchover) {
  for (const bool iothread : {false, true}) {
    SCOPED_TRACE(iothread);
    simulator s({.iothread = iothread});
    s.at(1).mirror("m0").mirror("m1");
    s.at(3).migrate();
    s.at(5).target_dies("m0").target_dies("m1");
    s.until(120);
    EXPECT_EQ(s.qemu().fate(), survives) << s.transcript();
    EXPECT_FALSE(s.incident_open()) << s.transcript();
    keeps_the_rules(s);
  }
}

TEST(together, one_dead_mirror_and_one_ready_at_the_switchover) {
  simulator s;
  s.at(1).mirror("m0", 5).mirror("m1", 5);
  s.at(10).migrate();
  s.at(10.53).target_dies("m1");
  s.until(60);
  EXPECT_EQ(s.qemu().fate(), survives) << s.transcript();
  EXPECT_FALSE(s.incident_open()) << s.transcript();
  keeps_the_rules(s);
}

}  // namespace
}  // namespace unwedge::policies
