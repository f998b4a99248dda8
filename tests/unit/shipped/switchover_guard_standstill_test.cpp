// The shipped switchover-guard where the target of a mirror dies while the guest stands still for the
// switchover.
#include "simulator.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

using namespace fake;

constexpr const char* survives = "runs on the source";

TEST(switchover_guard, yanks_and_cancels_when_a_target_dies_at_the_switchover) {
  simulator s;
  s.at(1).mirror("m0", 5);
  s.at(10).migrate();
  s.at(10.53).target_dies();
  s.until(100);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "10.0 open switchover-guard: mirror-at-switchover ready", "10.0 take switchover-guard: brake off",
            "12.2 take switchover-guard: block-job-cancel m0", "20.8 take switchover-guard: yank tgt",
            "20.8 take switchover-guard: migrate_cancel", "20.8 close switchover-guard: recovered",
            "20.8 set brake on", "81.0 set brake off", "81.0 set pause-before-switchover off"});
  EXPECT_EQ(s.qemu().fate(), survives);
}

/// While the guest stands still it is one at the end of its ten seconds: the cancel alone would wait for it.
TEST(switchover_guard, yanks_before_the_cancel_a_target_that_flushes_at_the_switchover) {
  simulator s;
  s.at(1).mirror("m0", 5);
  s.at(10).migrate();
  s.at(11).target_flushes();
  s.until(60);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "10.0 open switchover-guard: mirror-at-switchover ready", "10.0 take switchover-guard: brake off",
            "12.2 take switchover-guard: block-job-cancel m0", "20.8 take switchover-guard: yank tgt",
            "20.8 take switchover-guard: migrate_cancel", "20.8 close switchover-guard: recovered",
            "20.8 set brake on"});
  EXPECT_EQ(s.qemu().fate(), survives);
}

void dies_at_the_switchover_of_a_starved_host(simulator& s) {
  s.at(1).mirror("m0", 5);
  s.at(10).migrate();
  s.at(10.53).target_dies();
  s.at(15).frame([](action_frame& f) { f.host_starved = "3 of 4 VMs are late at once"; });
  s.at(40).frame([](action_frame& f) { f.host_starved.clear(); });
  s.until(60);
}

/// The cancel does not follow from silence; the guest has stood still for long enough. On 7.2 it hangs in its
/// drain until the yank may come.
TEST(switchover_guard, cancels_at_the_switchover_of_a_starved_host_and_yanks_when_that_is_over) {
  simulator s;
  dies_at_the_switchover_of_a_starved_host(s);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "10.0 open switchover-guard: mirror-at-switchover ready", "10.0 take switchover-guard: brake off",
            "12.2 take switchover-guard: block-job-cancel m0", "20.8 take switchover-guard: migrate_cancel",
            "20.8 record switchover-guard: yank tgt host-starved: 3 of 4 VMs are late at once",
            "23.8 open monitor-stall: monitor-stalled main-loop-waits",
            "23.8 record monitor-stall: yank tgt host-starved: 3 of 4 VMs are late at once",
            "40.0 take monitor-stall: yank tgt", "40.0 take switchover-guard: yank tgt",
            "40.0 switchover-guard: yank tgt refused: at the last look it was another situation",
            "40.1 close monitor-stall: recovered", "40.1 close switchover-guard: recovered",
            "40.1 set brake on"});
  EXPECT_EQ(s.qemu().fate(), survives);
}

TEST(switchover_guard, brings_every_guest_back_that_stood_still_on_a_starved_host) {
  for (const auto of : {release::qemu_7_2, release::qemu_10_0}) {
    for (const bool iothread : {false, true}) {
      SCOPED_TRACE(fmt::format("{} {}", of == release::qemu_7_2 ? "7.2" : "10.0", iothread));
      simulator s({.release = of, .iothread = iothread});
      dies_at_the_switchover_of_a_starved_host(s);
      EXPECT_EQ(s.qemu().fate(), survives) << s.transcript();
      EXPECT_FALSE(s.incident_open()) << s.transcript();
      keeps_the_rules(s);
    }
  }
}

}  // namespace
}  // namespace unwedge::policies
