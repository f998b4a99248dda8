// The shipped process-gone: a post-mortem for a QEMU that ended without a shutdown.
#include "simulator.hpp"

#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

using namespace fake;

TEST(process_gone, is_told_of_a_process_that_is_killed) {
  simulator s;
  s.at(10).process_dies();
  s.until(30);
  tells(s, {"10.0 open process-gone: process-gone gone", "10.0 close process-gone: observed"});
}

TEST(process_gone, is_nothing_after_a_shutdown) {
  simulator s;
  s.at(10).process_shuts_down();
  s.until(30);
  tells(s, {});
}

TEST(process_gone, is_told_once) {
  simulator s;
  s.at(10).process_dies();
  s.until(3'600);
  tells(s, {"10.0 open process-gone: process-gone gone", "10.0 close process-gone: observed"});
}

TEST(process_gone, is_told_beside_mirror_and_migration) {
  simulator s;
  s.at(1).mirror("m0");
  s.at(5).migrate();
  s.at(10).process_dies();
  s.until(30);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "10.0 open process-gone: process-gone gone", "10.0 close process-gone: observed"});
}

TEST(process_gone, closes_what_was_open) {
  simulator s;
  s.at(1).job("b0", "backup", "running").job("b0", "backup", "pending");
  s.at(700).process_dies();
  s.until(800);
  tells(s, {"601.0 open stuck-job/b0: job-stuck pending", "700.0 close stuck-job/b0: failed",
            "700.0 open process-gone: process-gone gone", "700.0 close process-gone: observed"});
}

TEST(process_gone, closes_what_was_open_after_a_shutdown_too) {
  simulator s;
  s.at(1).job("b0", "backup", "running").job("b0", "backup", "pending");
  s.at(700).process_shuts_down();
  s.until(800);
  tells(s, {"601.0 open stuck-job/b0: job-stuck pending", "700.1 close stuck-job/b0: failed"});
}

/// It aborts right after the completion (qemu-facts 8.1).
TEST(process_gone, is_told_of_a_qemu_that_aborts_over_a_busy_mirror) {
  simulator s;
  s.frame().allowed = authority::observe;
  s.at(1).mirror("m0");
  s.at(2).manager_sets("events").migrate();
  s.until(30);
  tells(s, {"2.0 open switchover-guard: mirror-at-switchover not-ready",
            "2.0 record switchover-guard: brake on observed", "2.6 close switchover-guard: observed",
            "2.6 open process-gone: process-gone gone", "2.6 close process-gone: observed"});
  EXPECT_EQ(s.qemu().fate(), "aborts");
}

}  // namespace
}  // namespace unwedge::policies
