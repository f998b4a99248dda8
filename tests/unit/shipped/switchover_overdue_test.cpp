// The shipped switchover-overdue: a guest that stands still for a switchover nobody completes runs again.
#include "simulator.hpp"

#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

using namespace fake;

constexpr const char* survives = "runs on the source";
const boost::json::object over{{"state", "pre-switchover"}};

void paused_migration(simulator& s) {
  s.at(1).manager_sets("pause-before-switchover").manager_sets("events");
  s.at(2).migrate();
}

TEST(switchover_overdue, brings_the_guest_back_whose_manager_has_died) {
  simulator s;
  paused_migration(s);
  s.until(120);
  tells(s, {"62.5 open switchover-overdue: switchover-overdue",
            "62.5 take switchover-overdue: migrate_cancel", "62.6 close switchover-overdue: recovered"});
  EXPECT_EQ(s.qemu().fate(), survives);
}

TEST(switchover_overdue, leaves_a_manager_its_minute) {
  simulator s;
  paused_migration(s);
  s.at(60).manager("migrate-continue", over);
  s.until(120);
  tells(s, {});
  EXPECT_EQ(s.qemu().fate(), "completes");
}

/// Whenever the manager comes back at last.
TEST(switchover_overdue, never_cancels_once_the_destination_may_be_the_vm) {
  for (double t = 62.4; t < 62.7; t += 0.01) {
    SCOPED_TRACE(t);
    simulator s;
    paused_migration(s);
    s.at(t).manager("migrate-continue", over);
    s.until(80);
    keeps_the_rules(s);
    EXPECT_TRUE(s.qemu().fate() == "completes" || s.qemu().fate() == survives) << s.transcript();
    EXPECT_FALSE(s.incident_open()) << s.transcript();
  }
}

TEST(switchover_overdue, is_seen_without_events_too) {
  simulator s;
  s.at(1).manager_sets("pause-before-switchover");
  s.at(2).migrate();
  s.until(120);
  tells(s, {"62.5 open switchover-overdue: switchover-overdue",
            "62.5 take switchover-overdue: migrate_cancel", "62.6 close switchover-overdue: recovered"});
  EXPECT_EQ(s.qemu().fate(), survives);
}

TEST(switchover_overdue, leaves_a_guest_paused_that_was_paused_before) {
  simulator s;
  s.at(0.5).manager("stop");
  paused_migration(s);
  s.until(120);
  tells(s, {"62.5 open switchover-overdue: switchover-overdue",
            "62.5 take switchover-overdue: migrate_cancel", "62.6 close switchover-overdue: recovered"});
  EXPECT_EQ(s.qemu().run_state(), "paused");
}

TEST(switchover_overdue, only_tells_where_nothing_may_be_done) {
  simulator s;
  s.frame().allowed = authority::observe;
  paused_migration(s);
  s.at(100).manager("migrate_cancel");
  s.until(120);
  tells(s, {"62.5 open switchover-overdue: switchover-overdue",
            "62.5 record switchover-overdue: migrate_cancel observed",
            "100.0 close switchover-overdue: observed"});
}

TEST(switchover_overdue, cancels_on_10_0_too) {
  simulator s({.release = release::qemu_10_0});
  paused_migration(s);
  s.until(120);
  tells(s, {"62.5 open switchover-overdue: switchover-overdue",
            "62.5 take switchover-overdue: migrate_cancel", "62.6 close switchover-overdue: recovered"});
  EXPECT_EQ(s.qemu().fate(), survives);
}

/// Whoever forgets a migration may do so again.
TEST(switchover_overdue, cancels_three_within_an_hour_and_no_more) {
  simulator s;
  s.at(1).manager_sets("pause-before-switchover").manager_sets("events");
  for (int i = 0; i < 5; ++i) s.at(2 + 100 * i).migrate();
  s.at(600).manager("migrate_cancel");
  s.until(700);
  tells(s,
        {"62.5 open switchover-overdue: switchover-overdue", "62.5 take switchover-overdue: migrate_cancel",
         "62.6 close switchover-overdue: recovered", "162.5 open switchover-overdue: switchover-overdue",
         "162.5 take switchover-overdue: migrate_cancel", "162.6 close switchover-overdue: recovered",
         "262.5 open switchover-overdue: switchover-overdue", "262.5 take switchover-overdue: migrate_cancel",
         "262.6 close switchover-overdue: recovered", "362.5 open switchover-overdue: switchover-overdue",
         "362.5 record switchover-overdue: migrate_cancel budget: switchover-overdue took 3 steps on this VM "
         "within 1 h",
         "600.0 close switchover-overdue: observed"});
}

}  // namespace
}  // namespace unwedge::policies
