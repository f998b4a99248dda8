// The shipped monitor-stall beyond the yank: connections that are cut off from outside, and the lock that is
// lent away, as docs/rescue.md has it of real ones. The guard is out of the way.
#include "../policies/world.hpp"
#include "simulator.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

using namespace fake;
using testing::Contains;
using testing::HasSubstr;

constexpr const char* hangs = "hangs";
constexpr const char* survives = "runs on the source";
constexpr const char* opens = "5.9 open monitor-stall: monitor-stalled bql-held";
constexpr const char* recovers = "6.0 close monitor-stall: recovered";

class unguarded : public simulator {
 public:
  explicit unguarded(machine m = {}, authority allowed = authority::rescue) : simulator(m) {
    policy_called("switchover-guard").enabled = false;
    frame().allowed = allowed;
  }
};

void dead_target(simulator& s) {
  s.at(1).mirror("m0");
  s.at(2).target_dies();
  s.at(2.5).migrate();
}

std::ptrdiff_t taken(const simulator& s, const std::string& what) {
  return std::ranges::count_if(
      s.story(), [&](const auto& line) { return line.contains(" take ") && line.ends_with(what); });
}

struct row {
  const char* name;
  machine of;
  const char* takes;  ///< nullptr: nothing helps
};

TEST(monitor_stall_rescue, takes_the_remedy_that_brings_each_back) {
  const row rows[] = {
      {"7.2", {}, "yank tgt"},
      {"7.2, no out-of-band", {.oob = false}, "sever tgt"},
      {"7.2, unix", {.unix_targets = true}, "sever tgt"},
      {"7.2, unix, no out-of-band", {.oob = false, .unix_targets = true}, "sever tgt"},
      {"7.2, iothread", {.iothread = true}, "lease: yank migration tgt"},
      {"7.2, iothread, no out-of-band: its migration cannot be ended",
       {.iothread = true, .oob = false},
       nullptr},
      {"7.2, iothread, unix", {.iothread = true, .unix_targets = true}, "lease: yank migration, sever tgt"},
      {"10.0", {.release = release::qemu_10_0}, "yank tgt"},
      {"10.0, iothread", {.release = release::qemu_10_0, .iothread = true}, "lease: cancel, yank tgt"},
      {"10.0, iothread, no out-of-band",
       {.release = release::qemu_10_0, .iothread = true, .oob = false},
       "lease: cancel, sever tgt"},
      {"10.0, iothread, unix",
       {.release = release::qemu_10_0, .iothread = true, .unix_targets = true},
       "lease: cancel, sever tgt"},
      {"5.2", {.release = release::qemu_5_2}, "sever tgt"},
      {"5.2, unix", {.release = release::qemu_5_2, .unix_targets = true}, "sever tgt"},
      {"5.2, iothread", {.release = release::qemu_5_2, .iothread = true}, nullptr},
  };
  for (const auto& r : rows) {
    SCOPED_TRACE(r.name);
    unguarded s(r.of);
    dead_target(s);
    s.until(60);
    if (r.takes != nullptr)
      tells(s, {opens, fmt::format("5.9 take monitor-stall: {}", r.takes), recovers});
    else
      tells(s, {opens, "5.9 take monitor-stall: flag-core"});
    EXPECT_EQ(s.qemu().fate(), r.takes != nullptr ? survives : hangs) << s.transcript();
  }
}

TEST(monitor_stall_rescue, lends_no_lock_of_a_vm_that_does_not_allow_it) {
  for (const auto allowed : {authority::observe, authority::protect}) {
    unguarded s({.iothread = true}, allowed);
    dead_target(s);
    s.at(30).frame([](action_frame& f) { f.allowed = authority::rescue; });
    s.until(29);
    EXPECT_EQ(s.qemu().fate(), hangs);
    EXPECT_EQ(taken(s, "yank tgt"), 0) << s.transcript();
    EXPECT_EQ(taken(s, "flag-core"), allowed == authority::protect ? 1 : 0) << s.transcript();
    EXPECT_THAT(s.story(), Contains("5.9 record monitor-stall: lease: yank migration tgt observed"));
    s.until(60);
    EXPECT_EQ(s.qemu().fate(), survives) << "once it is allowed\n" << s.transcript();
    keeps_the_rules(s);
  }
}

/// A QEMU that would go on over the failed mirror, as after a plain yank: the end of the migration is what
/// stops it.
TEST(monitor_stall_rescue, never_lets_a_migration_complete_over_the_copy_that_it_cut_off) {
  for (const bool told : {true, false}) {
    for (const auto release : {release::qemu_7_2, release::qemu_10_0}) {
      SCOPED_TRACE(told);
      unguarded s({.release = release, .iothread = true, .goes_on_after_a_lease = true});
      if (told) s.at(0).manager_sets("events");
      dead_target(s);
      s.until(60);
      const bool heeds = release == release::qemu_10_0;
      EXPECT_EQ(taken(s, heeds ? "lease: cancel, yank tgt" : "lease: yank migration tgt"), 1)
          << s.transcript();
      EXPECT_EQ(s.qemu().fate(), survives) << s.transcript();
      keeps_the_rules(s);
    }
  }
}

/// Each cut alone, as nothing of ours would do it: what the fence is for.
TEST(monitor_stall_rescue, without_the_right_end_of_the_migration_would_cost_the_vm_or_its_data) {
  struct row {
    const char* name;
    fake::release release;
    bool pause, multifd, cancel, yanks_migration;
    const char* fate;
  };
  constexpr auto old = release::qemu_7_2;
  constexpr auto recent = release::qemu_10_0;
  const row rows[] = {
      {"7.2, nothing", old, false, false, false, false, "completes over a broken copy"},
      {"7.2, cancel", old, false, false, true, false, "aborts"},
      {"7.2, cancel before a pause", old, true, false, true, false, survives},
      {"7.2, yank", old, false, false, false, true, survives},
      {"7.2, yank, multifd", old, false, true, false, true, "aborts"},
      {"10.0, nothing", recent, false, false, false, false, "completes over a broken copy"},
      {"10.0, cancel", recent, false, false, true, false, survives},
      {"10.0, yank, multifd", recent, false, true, false, true, survives},
  };
  for (const auto& r : rows) {
    SCOPED_TRACE(r.name);
    unguarded s({.release = r.release, .iothread = true, .goes_on_after_a_lease = true}, authority::observe);
    s.at(0).manager_sets("pause-before-switchover", r.pause).manager_sets("multifd", r.multifd);
    dead_target(s);
    boost::json::array yanks;
    if (r.yanks_migration) yanks.push_back(boost::json::object{{"type", "migration"}});
    yanks.push_back(boost::json::object{{"type", "block-node"}, {"node-name", "tgt"}});
    std::string refused = "not asked";
    s.at(8).qemu([&](scripted_qemu& q) {
      refused = q.lease({{"holder", migration_tid},
                         {"mutexes", boost::json::array{fmt::format("{:#x}", bql)}},
                         {"cancel_migration", r.cancel},
                         {"cut", boost::json::object{{"yank", yanks}}}});
    });
    s.until(20);
    EXPECT_EQ(refused, "");
    EXPECT_EQ(s.qemu().fate(), r.fate) << s.transcript();
    EXPECT_EQ(s.broken_rules().empty(), r.fate != std::string("aborts"));
  }
}

TEST(monitor_stall_rescue, cancels_a_migration_that_halts_before_its_switchover) {
  unguarded s({.iothread = true, .oob = false});
  s.at(0).manager_sets("pause-before-switchover").manager_sets("multifd");
  dead_target(s);
  s.until(60);
  tells(s, {opens, "5.9 take monitor-stall: lease: cancel, sever tgt", recovers});
  EXPECT_EQ(s.qemu().fate(), survives);
}

TEST(monitor_stall_rescue, lends_no_lock_beside_a_migration_that_it_cannot_end) {
  unguarded s({.iothread = true});
  s.at(0).manager_sets("multifd");
  dead_target(s);
  s.until(60);
  tells(s, {opens, "5.9 take monitor-stall: flag-core"});
  EXPECT_THAT(s.transcript(), HasSubstr("Multifd is enabled"));
}

TEST(monitor_stall_rescue, goes_on_from_a_remedy_that_did_not_help_to_the_next) {
  unguarded once({.cuts_in_vain = 1}), twice({.cuts_in_vain = 2});
  dead_target(once);
  once.until(60);
  tells(once, {opens, "5.9 take monitor-stall: yank tgt", "7.9 take monitor-stall: sever tgt",
               "8.0 close monitor-stall: recovered"});
  EXPECT_EQ(once.qemu().fate(), survives);
  dead_target(twice);
  twice.until(60);
  tells(twice, {opens, "5.9 take monitor-stall: yank tgt", "7.9 take monitor-stall: sever tgt",
                "10.0 take monitor-stall: lease: yank migration tgt", "10.1 close monitor-stall: recovered"});
  EXPECT_EQ(twice.qemu().fate(), survives);
}

TEST(monitor_stall_rescue, that_helped_in_nothing_keeps_the_evidence_and_says_so) {
  unguarded s({.cuts_in_vain = 2}, authority::protect);
  dead_target(s);
  s.until(60);
  tells(s, {opens, "5.9 take monitor-stall: yank tgt", "7.9 take monitor-stall: sever tgt",
            "10.0 record monitor-stall: lease: yank migration tgt observed",
            "10.0 take monitor-stall: flag-core"});
  EXPECT_EQ(s.qemu().fate(), hangs);
}

/// It spins at 100 % of a CPU then, which is no wait that is certain; a yank of ours is never given there.
TEST(monitor_stall_rescue, never_yanks_a_unix_socket) {
  for (const bool iothread : {false, true}) {
    unguarded s({.iothread = iothread, .unix_targets = true}, authority::protect),
        alone({.unix_targets = true});
    dead_target(s);
    s.until(60);
    EXPECT_EQ(taken(s, "yank tgt"), 0) << s.transcript();
    keeps_the_rules(s);
    alone.frame().allowed = authority::observe;
    dead_target(alone);
    alone.at(4).yanks_node();
    alone.until(60);
    EXPECT_EQ(alone.qemu().fate(), hangs) << "what it would do\n" << alone.transcript();
  }
}

TEST(monitor_stall_rescue, severs_the_stream_where_it_cannot_be_yanked) {
  unguarded s({.oob = false}, authority::protect);
  s.at(1).manager_sets("pause-before-switchover").manager_sets("events");
  s.at(2).migrate();
  s.at(4).destination_freezes().manager("migrate-continue", {{"state", "pre-switchover"}});
  s.until(60);
  EXPECT_EQ(taken(s, "sever migration"), 1) << s.transcript();
  EXPECT_EQ(s.qemu().fate(), survives) << s.transcript();
  EXPECT_FALSE(s.incident_open());
  keeps_the_rules(s);
}

/// A user's `stop` over a dead job in an iothread: the main thread itself waits, and has no lock to lend.
TEST(monitor_stall_rescue, of_a_main_thread_that_waits_for_an_iothreads_job_is_none) {
  unguarded s({.iothread = true});
  s.at(1).mirror("m0");
  s.at(2).target_dies();
  s.at(4).manager("stop");
  s.until(60);
  tells(s, {"6.9 open monitor-stall: monitor-stalled main-loop-waits", "6.9 take monitor-stall: flag-core"});
  EXPECT_THAT(s.transcript(), HasSubstr("there is no lock to be lent"));
}

TEST(monitor_stall_rescue, of_two_dead_targets_ends_both) {
  for (const bool iothread : {false, true}) {
    unguarded s({.release = release::qemu_10_0, .iothread = iothread, .oob = false});
    s.at(1).mirror("m0").mirror("m1");
    s.at(2).target_dies("m0").target_dies("m1");
    s.at(2.5).migrate();
    s.until(60);
    tells(s, {opens,
              fmt::format("5.9 take monitor-stall: {}sever tgt tgt-m1", iothread ? "lease: cancel, " : ""),
              recovers});
    EXPECT_EQ(s.qemu().fate(), survives);
  }
}

/// Killed at any of the remedies, and back. A new session is blind to a VM that hangs: what it waits for is
/// not known then, so all that is left to do is to repeat nothing, and to keep the evidence.
TEST(monitor_stall_rescue, of_a_daemon_that_was_killed_repeats_nothing) {
  const std::pair<double, const char*> cases[] = {
      {3, "yank tgt"}, {6.5, "sever tgt"}, {8.5, "lease: yank migration tgt"}};
  for (const auto when : {killed::with_the_intent_on_record, killed::with_the_command_sent}) {
    for (const auto& [t, last] : cases) {
      SCOPED_TRACE(fmt::format("{} {}", static_cast<int>(when), last));
      unguarded s({.cuts_in_vain = 3});
      dead_target(s);
      s.at(t).daemon_is_killed(when, 5);
      s.at(100).target_revives();
      s.until(120);
      EXPECT_EQ(taken(s, last), 1) << s.transcript();
      for (const auto* what : {": yank tgt", ": sever tgt", "lease: yank migration tgt", "flag-core"})
        EXPECT_LE(taken(s, what), 1) << s.transcript();
      EXPECT_FALSE(s.incident_open()) << s.transcript();
      keeps_the_rules(s);
    }
  }
}

}  // namespace
}  // namespace unwedge::policies
