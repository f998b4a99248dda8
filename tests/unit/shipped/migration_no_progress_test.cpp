// The shipped migration-no-progress: a migration that gets no nearer to its end is reported.
#include "simulator.hpp"

#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

using namespace fake;

/// 128 MiB/s go over, 200 MiB/s are dirtied.
constexpr machine busy_guest{.ram_mib = 4'000, .dirties_mib = 200};

TEST(migration_no_progress, of_a_guest_that_dirties_faster_than_is_sent_is_reported_after_five_minutes) {
  simulator s(busy_guest);
  s.at(10).manager_sets("events").migrate();
  s.at(600).manager("migrate_cancel");
  s.until(700);
  tells(s, {"341.5 open migration-no-progress: migration-no-progress not-converging",
            "600.0 close migration-no-progress: observed"});
}

TEST(migration_no_progress, ends_when_the_guest_calms_down) {
  simulator s(busy_guest);
  s.at(10).manager_sets("events").migrate();
  s.at(500).qemu([](scripted_qemu& q) { q.guest_dirties(1); });
  s.until(700);
  tells(s, {"341.5 open migration-no-progress: migration-no-progress not-converging",
            "510.0 close migration-no-progress: observed"});
  EXPECT_EQ(s.qemu().fate(), "completes");
}

TEST(migration_no_progress, of_a_destination_that_takes_nothing_is_reported_as_standing) {
  simulator s({.ram_mib = 4'000});
  s.at(10).manager_sets("events").migrate();
  s.at(20).destination_freezes();
  s.at(400).destination_freezes(false);
  s.until(500);
  tells(s, {"320.0 open migration-no-progress: migration-no-progress standing",
            "400.0 close migration-no-progress: observed"});
  EXPECT_EQ(s.qemu().fate(), "completes");
}

TEST(migration_no_progress, is_seen_without_events_too) {
  simulator s(busy_guest);
  s.at(10).migrate();
  s.at(600).manager("migrate_cancel");
  s.until(700);
  tells(s, {"341.0 open migration-no-progress: migration-no-progress not-converging",
            "600.0 close migration-no-progress: observed"});
}

/// Each pass is half as long as the one before, and the first takes eight minutes. What remains is least at
/// the end of each pass.
TEST(migration_no_progress, of_a_migration_that_converges_slowly_is_nothing) {
  simulator s({.ram_mib = 60'000, .dirties_mib = 60});
  s.at(10).manager_sets("events").migrate();
  s.until(1'200);
  tells(s, {});
  EXPECT_EQ(s.qemu().fate(), "completes");
}

TEST(migration_no_progress, that_comes_and_goes_is_nothing) {
  simulator s({.ram_mib = 60'000});
  s.at(10).manager_sets("events").migrate();
  for (int t = 20; t < 2'000; t += 100) s.at(t).destination_freezes().at(t + 80).destination_freezes(false);
  s.until(2'000);
  tells(s, {});
}

/// The guard slows it down itself, and bounds that itself.
TEST(migration_no_progress, of_a_migration_that_the_guard_holds_is_nothing) {
  simulator s({.dirties_mib = 1});
  s.at(1).mirror("m0", 500);
  s.at(10).migrate();
  s.until(490);
  tells(s, {"1.1 set pause-before-switchover on", "1.1 set brake on"});
}

}  // namespace
}  // namespace unwedge::policies
