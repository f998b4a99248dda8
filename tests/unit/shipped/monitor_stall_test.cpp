// The shipped monitor-stall: what the main loop waits for is cut off, where that is known to be safe. The
// guard, which would have prevented most of these, is out of the way here. Where nothing is safe a core is
// prepared, and the rungs before it are not given up. Sever and lease have a file of their own.
#include "simulator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

using namespace fake;

constexpr const char* hangs = "hangs";
constexpr const char* survives = "runs on the source";

class unguarded : public simulator {
 public:
  explicit unguarded(machine m = {}) : simulator(m) { policy_called("switchover-guard").enabled = false; }
};

void dead_target(simulator& s) {
  s.at(1).mirror("m0");
  s.at(2).target_dies();
  s.at(2.5).migrate();
}

/// Of a READY mirror, so that the migration may go on once the target is back.
void target_that_comes_back(simulator& s, double second) {
  s.at(1).mirror("m0", 5);
  s.at(8).target_dies();
  s.at(10).migrate();
  s.at(second).target_revives();
}

TEST(monitor_stall, yanks_a_dead_target_that_the_migration_waits_for) {
  unguarded s;
  dead_target(s);
  s.until(60);
  tells(s, {"5.9 open monitor-stall: monitor-stalled bql-held", "5.9 take monitor-stall: yank tgt",
            "6.0 close monitor-stall: recovered"});
  EXPECT_EQ(s.qemu().fate(), survives);
}

TEST(monitor_stall, never_yanks_it_with_an_iothread) {
  unguarded s({.iothread = true});
  dead_target(s);
  s.until(60);
  tells(s, {"5.9 open monitor-stall: monitor-stalled bql-held",
            "5.9 record monitor-stall: lease: yank migration tgt observed",
            "5.9 take monitor-stall: flag-core"});
  EXPECT_EQ(s.qemu().fate(), hangs);
}

TEST(monitor_stall, ends_by_itself_when_the_target_comes_back) {
  unguarded s({.iothread = true, .writes = true});
  target_that_comes_back(s, 40);
  s.until(60);
  tells(s, {"13.4 open monitor-stall: monitor-stalled bql-held",
            "13.4 record monitor-stall: lease: yank migration tgt observed",
            "13.4 take monitor-stall: flag-core", "40.0 close monitor-stall: observed"});
  EXPECT_EQ(s.qemu().fate(), "completes");
}

TEST(monitor_stall, of_less_than_its_patience_is_nothing) {
  unguarded s;
  target_that_comes_back(s, 12.5);
  s.until(60);
  tells(s, {});
  EXPECT_EQ(s.qemu().fate(), "completes");
}

/// A READY mirror over an idle guest owes nothing until vm_stop flushes.
void dead_target_of_a_ready_mirror(simulator& s) {
  s.at(1).mirror("m0", 5);
  s.at(8).target_dies();
  s.at(10).migrate();
}

TEST(monitor_stall, yanks_a_ready_mirrors_target_that_the_flush_waits_for) {
  unguarded s;
  dead_target_of_a_ready_mirror(s);
  s.until(60);
  tells(s, {"13.4 open monitor-stall: monitor-stalled bql-held", "13.4 take monitor-stall: yank tgt",
            "13.4 close monitor-stall: recovered"});
  EXPECT_EQ(s.qemu().fate(), survives);
}

/// After STOP it is the flush that fails, and the migration with it, also with an iothread: the mirror, which
/// had nothing in flight, stays READY.
TEST(monitor_stall, yanks_after_stop_with_an_iothread_as_well) {
  for (const auto release : {release::qemu_7_2, release::qemu_10_0}) {
    unguarded s({.release = release, .iothread = true});
    dead_target_of_a_ready_mirror(s);
    s.until(60);
    tells(s, {"13.4 open monitor-stall: monitor-stalled bql-held", "13.4 take monitor-stall: yank tgt",
              "13.4 close monitor-stall: recovered"});
    EXPECT_EQ(s.qemu().fate(), survives);
    EXPECT_TRUE(s.qemu().has("m0")) << s.transcript();
  }
}

/// Before STOP a yank that QEMU outlives makes it go on over the failed mirror (qemu-facts 5).
TEST(monitor_stall, never_makes_a_migration_complete_over_a_broken_copy) {
  const machine lucky{.iothread = true, .aborts_at_a_yank = false};
  unguarded with_us(lucky), alone(lucky);
  dead_target(with_us);
  with_us.until(60);
  EXPECT_EQ(with_us.qemu().fate(), hangs) << with_us.transcript();
  keeps_the_rules(with_us);
  dead_target(alone);
  alone.at(9).yanks_node();
  alone.until(60);
  EXPECT_EQ(alone.qemu().fate(), "completes over a broken copy") << alone.transcript();
}

/// It may be writing to a slow disk all that it took.
TEST(monitor_stall, gives_a_server_that_took_all_bytes_twenty_seconds) {
  unguarded s;
  s.at(1).mirror("m0", 5);
  s.at(8).target_flushes();
  s.at(10).migrate();
  s.until(60);
  tells(s, {"13.4 open monitor-stall: monitor-stalled bql-held", "13.4 take monitor-stall: flag-core",
            "31.4 take monitor-stall: yank tgt", "31.4 close monitor-stall: recovered"});
  EXPECT_THAT(s.transcript(), testing::HasSubstr("it may be writing it to its disk"));
  EXPECT_EQ(s.qemu().fate(), survives);
}

TEST(monitor_stall, lets_a_server_be_that_flushed_in_time) {
  unguarded s;
  s.at(1).mirror("m0", 5);
  s.at(8).target_flushes();
  s.at(10).migrate();
  s.at(28).target_revives();
  s.until(60);
  tells(s, {"13.4 open monitor-stall: monitor-stalled bql-held", "13.4 take monitor-stall: flag-core",
            "28.1 close monitor-stall: resolved-itself"});
  EXPECT_EQ(s.qemu().fate(), "completes");
}

TEST(monitor_stall, yanks_after_a_users_stop_and_leaves_the_vm_paused) {
  unguarded s;
  s.at(1).mirror("m0");
  s.at(2).target_dies();
  s.at(4).manager("stop");
  s.until(60);
  tells(s, {"6.9 open monitor-stall: monitor-stalled main-loop-waits", "6.9 take monitor-stall: yank tgt",
            "7.0 close monitor-stall: recovered"});
  EXPECT_EQ(s.qemu().run_state(), "paused");
}

TEST(monitor_stall, yanks_the_migration_that_is_blocked_in_sending_the_state) {
  unguarded s;
  s.at(1).manager_sets("pause-before-switchover").manager_sets("events");
  s.at(2).migrate();
  s.at(4).destination_freezes().manager("migrate-continue", {{"state", "pre-switchover"}});
  s.until(60);
  tells(s, {"6.9 open monitor-stall: monitor-stalled bql-held", "6.9 take monitor-stall: yank migration",
            "7.0 close monitor-stall: recovered"});
  EXPECT_EQ(s.qemu().fate(), survives);
}

TEST(monitor_stall, of_a_main_loop_at_work_is_nothing) {
  unguarded s;
  s.at(10).qemu([](scripted_qemu& q) { q.computes(true); });
  s.at(100).qemu([](scripted_qemu& q) { q.computes(false); });
  s.until(120);
  tells(s, {});
}

TEST(monitor_stall, of_a_stopped_process_is_reported_and_never_acted_on) {
  unguarded s;
  s.frame().allowed = authority::destroy;
  s.at(10).qemu([](scripted_qemu& q) { q.signal_stops(true); });
  s.at(100).qemu([](scripted_qemu& q) { q.signal_stops(false); });
  s.until(120);
  tells(s,
        {"12.5 open monitor-stall: monitor-stalled stopped", "100.0 close monitor-stall: resolved-itself"});
}

TEST(monitor_stall, of_a_process_that_is_killed_meanwhile_is_closed_as_failed) {
  unguarded s({.iothread = true});
  dead_target(s);
  s.at(20).process_dies();
  s.until(60);
  tells(s, {"5.9 open monitor-stall: monitor-stalled bql-held",
            "5.9 record monitor-stall: lease: yank migration tgt observed",
            "5.9 take monitor-stall: flag-core", "20.0 close monitor-stall: failed",
            "20.0 open process-gone: process-gone gone", "20.0 close process-gone: observed"});
}

TEST(monitor_stall, of_two_dead_targets_is_ended_by_one_yank_of_both) {
  unguarded s;
  s.at(1).mirror("m0").mirror("m1");
  s.at(2).target_dies("m0").target_dies("m1");
  s.at(2.5).migrate();
  s.until(60);
  tells(s, {"5.9 open monitor-stall: monitor-stalled bql-held", "5.9 take monitor-stall: yank tgt tgt-m1",
            "6.0 close monitor-stall: recovered"});
  EXPECT_EQ(s.qemu().fate(), survives);
}

}  // namespace
}  // namespace unwedge::policies
