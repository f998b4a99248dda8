// The shipped guest-io-stall: the guest's own disk stands still although QMP answers. It is only reported.
#include "simulator.hpp"

#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

using namespace fake;

void stalls(scripted_qemu& q) {
  q.disk_stalls(true);
}
void recovers(scripted_qemu& q) {
  q.disk_stalls(false);
}

/// A VM that is well is looked at once a minute, so the stall counts from the first look that sees it.
TEST(guest_io_stall, is_reported_after_a_minute_and_closed_when_it_is_over) {
  simulator s;
  s.at(30).qemu(stalls);
  s.at(300).qemu(recovers);
  s.until(400);
  tells(s, {"120.0 open guest-io-stall//srv/web01.qcow2: guest-io-stall",
            "300.0 close guest-io-stall//srv/web01.qcow2: observed"});
}

TEST(guest_io_stall, is_nothing_if_it_is_shorter) {
  simulator s;
  s.at(30).qemu(stalls);
  s.at(110).qemu(recovers);
  s.until(400);
  tells(s, {});
}

TEST(guest_io_stall, is_nothing_if_requests_come_and_go) {
  simulator s;
  for (int t = 30; t < 900; t += 40) s.at(t).qemu(stalls).at(t + 30).qemu(recovers);
  s.until(900);
  tells(s, {});
}

TEST(guest_io_stall, is_seen_sooner_beside_a_job) {
  simulator s;
  s.at(1).mirror("m0");
  s.at(30).qemu(stalls);
  s.at(100).qemu(recovers);
  s.until(120);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on",
            "90.0 open guest-io-stall//srv/web01.qcow2: guest-io-stall",
            "100.0 close guest-io-stall//srv/web01.qcow2: observed"});
}

TEST(guest_io_stall, takes_no_step_even_where_everything_is_allowed) {
  simulator s;
  s.frame().allowed = authority::destroy;
  s.at(30).qemu(stalls);
  s.until(3'600);
  tells(s, {"120.0 open guest-io-stall//srv/web01.qcow2: guest-io-stall"});
}

TEST(guest_io_stall, of_a_vm_that_is_killed_for_it_is_closed_as_failed) {
  simulator s;
  s.at(30).qemu(stalls);
  s.at(200).process_dies();
  s.until(300);
  tells(s, {"120.0 open guest-io-stall//srv/web01.qcow2: guest-io-stall",
            "200.0 close guest-io-stall//srv/web01.qcow2: failed",
            "200.0 open process-gone: process-gone gone", "200.0 close process-gone: observed"});
}

}  // namespace
}  // namespace unwedge::policies
