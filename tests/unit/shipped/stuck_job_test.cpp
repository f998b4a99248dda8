// The shipped stuck-job: a block job that waits for somebody is reported.
#include "simulator.hpp"

#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

using namespace fake;

TEST(stuck_job, that_is_pending_is_reported_after_ten_minutes) {
  simulator s;
  s.at(1).job("b0", "backup", "running");
  s.at(10).job("b0", "backup", "pending");
  s.at(1'000).job("b0", "backup", "concluded").job("b0", "backup", "null");
  s.until(1'100);
  tells(s, {"610.0 open stuck-job/b0: job-stuck pending", "1000.0 close stuck-job/b0: observed"});
}

TEST(stuck_job, that_is_concluded_and_not_dismissed_is_reported) {
  simulator s({.auto_dismiss = false});
  s.at(1).job("b0", "backup", "running");
  s.at(10).job("b0", "backup", "concluded");
  s.at(1'000).manager("job-dismiss", {{"id", "b0"}});
  s.until(1'100);
  tells(s, {"610.0 open stuck-job/b0: job-stuck concluded", "1000.0 close stuck-job/b0: observed"});
}

TEST(stuck_job, that_aborts_without_end_is_reported) {
  simulator s;
  s.at(1).job("b0", "backup", "running");
  s.at(10).job("b0", "backup", "aborting");
  s.at(1'000).job("b0", "backup", "concluded").job("b0", "backup", "null");
  s.until(1'100);
  tells(s, {"610.0 open stuck-job/b0: job-stuck aborting", "1000.0 close stuck-job/b0: observed"});
}

TEST(stuck_job, that_an_io_error_paused_is_reported) {
  simulator s;
  s.at(1).job("b0", "backup", "running");
  s.at(10).job("b0", "backup", "paused").qemu([](scripted_qemu& q) { q.job_io_status("b0", "failed"); });
  s.at(1'000).job("b0", "backup", "running").qemu([](scripted_qemu& q) { q.job_io_status("b0", "ok"); });
  s.until(1'100);
  tells(s, {"610.0 open stuck-job/b0: job-stuck io-error", "1000.3 close stuck-job/b0: observed"});
}

TEST(stuck_job, that_somebody_sees_to_in_time_is_nothing) {
  simulator s;
  s.at(1).job("b0", "backup", "running");
  s.at(10).job("b0", "backup", "pending");
  s.at(590).job("b0", "backup", "concluded").job("b0", "backup", "null");
  s.until(1'100);
  tells(s, {});
}

TEST(stuck_job, that_runs_is_nothing_for_hours) {
  simulator s;
  s.at(1).job("b0", "backup", "running");
  s.until(7'200);
  tells(s, {});
}

TEST(stuck_job, that_its_user_paused_is_nothing) {
  simulator s;
  s.at(1).job("b0", "backup", "running");
  s.at(10).job("b0", "backup", "paused");
  s.until(3'600);
  tells(s, {});
}

TEST(stuck_job, takes_no_step_of_its_own) {
  simulator s;
  s.frame().allowed = authority::destroy;
  s.at(1).job("b0", "backup", "pending").job("c0", "commit", "pending");
  s.until(1'800);
  tells(s, {"601.0 open stuck-job/b0: job-stuck pending", "601.0 open stuck-job/c0: job-stuck pending"});
}

TEST(stuck_job, in_each_of_its_states_counts_anew) {
  simulator s;
  s.at(1).job("b0", "backup", "running");
  s.at(10).job("b0", "backup", "pending");
  s.at(400).job("b0", "backup", "aborting");
  s.at(800).job("b0", "backup", "concluded").job("b0", "backup", "null");
  s.until(900);
  tells(s, {});
}

}  // namespace
}  // namespace unwedge::policies
