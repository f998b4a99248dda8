// Every row of qemu-facts 8.1 and 8.2: what the scripted QEMU does alone is what the lab saw of a real one;
// what comes of it with the shipped policies stands beside it.
#include "simulator.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>

namespace unwedge::policies {
namespace {

using namespace fake;

constexpr std::array<machine, 4> machines{{{.release = release::qemu_7_2},
                                           {.release = release::qemu_7_2, .iothread = true},
                                           {.release = release::qemu_10_0},
                                           {.release = release::qemu_10_0, .iothread = true}}};
constexpr std::array<const char*, 4> names{"7.2 x", "7.2 iot", "10.0 x", "10.0 iot"};
using fates = std::array<const char*, 4>;

constexpr const char* completes = "completes";
constexpr const char* broken = "completes over a broken copy";
constexpr const char* aborts = "aborts";
constexpr const char* hangs = "hangs";
constexpr const char* survives = "runs on the source";

struct row {
  const char* name;
  void (*script)(simulator&);
  fates alone, with_us;
};

void ready_mirror(simulator& s) {
  s.at(1).mirror("m0", 5);
  s.at(10).migrate();
}

void busy_mirror(simulator& s) {
  s.at(1).mirror("m0", 10);
  s.at(2).migrate();
}

void dead_target(simulator& s) {
  s.at(1).mirror("m0", 10);
  s.at(2).target_dies();
  s.at(2.5).migrate();
}

/// A migration of much memory, whose destination freezes at pre-switchover.
void frozen_destination(simulator& s) {
  s.at(1).manager_sets("pause-before-switchover");
  s.at(2).migrate();
  s.at(4).destination_freezes().manager("migrate-continue", {{"state", "pre-switchover"}});
}

const std::array<row, 4> table_8_1{{
    {"mirror READY, target healthy",
     ready_mirror,
     {completes, completes, completes, completes},
     {completes, completes, completes, completes}},
    {"mirror busy, target healthy",
     busy_mirror,
     {aborts, aborts, aborts, aborts},
     {completes, completes, completes, completes}},
    {"dead target", dead_target, {hangs, hangs, hangs, hangs}, {survives, survives, survives, survives}},
    {"destination frozen in the switchover",
     frozen_destination,
     {hangs, hangs, hangs, hangs},
     {survives, survives, survives, survives}},
}};

const boost::json::object force{{"device", "m0"}, {"force", true}};

const std::array<row, 8> table_8_2{{
    {"block-job-cancel force=true right after migrate",
     [](simulator& s) {
       dead_target(s);
       s.at(2.51).manager("block-job-cancel", force);
     },
     {hangs, hangs, hangs, hangs},
     {survives, survives, survives, survives}},
    {"migrate_cancel right after migrate",
     [](simulator& s) {
       dead_target(s);
       s.at(2.51).manager("migrate_cancel");
     },
     {hangs, hangs, survives, survives},
     // A manager's own cancel: with an iothread nothing is known to be safe, and nothing is done.
     {survives, hangs, survives, survives}},
    {"pause-before-switchover alone",
     [](simulator& s) {
       s.at(0.5).manager_sets("pause-before-switchover");
       dead_target(s);
     },
     {hangs, hangs, hangs, hangs},
     {survives, survives, survives, survives}},
    {"pause-before-switchover alone, set before we came",
     [](simulator& s) {
       s.at(0).manager_sets("pause-before-switchover");
       dead_target(s);
     },
     {hangs, hangs, hangs, hangs},
     {survives, survives, survives, survives}},
    {"migrate_cancel, then yank of the node, both before the switchover",
     [](simulator& s) {
       dead_target(s);
       s.at(2.51).manager("migrate_cancel").yanks_node();
     },
     {survives, survives, survives, survives},
     {survives, survives, survives, survives}},
    {"yank of the node once it hangs",
     [](simulator& s) {
       dead_target(s);
       s.at(9).yanks_node();
     },
     {survives, aborts, survives, aborts},
     {survives, survives, survives, survives}},
    {"yank of the migration once it hangs",
     [](simulator& s) {
       dead_target(s);
       s.at(9).yanks_migration();
     },
     {hangs, hangs, hangs, hangs},
     {survives, survives, survives, survives}},
    {"destination frozen: yank of the migration once it hangs",
     [](simulator& s) {
       frozen_destination(s);
       s.at(9).yanks_migration();
     },
     {survives, survives, survives, survives},
     {survives, survives, survives, survives}},
}};

void expect_alone(const row& r) {
  for (std::size_t i = 0; i < machines.size(); ++i) {
    SCOPED_TRACE(fmt::format("{}, {}", r.name, names[i]));
    simulator s(machines[i]);
    s.frame().allowed = authority::observe;
    r.script(s);
    s.until(60);
    EXPECT_EQ(s.qemu().fate(), r.alone[i]) << s.transcript();
    keeps_the_rules(s);
  }
}

void expect_with_us(const row& r) {
  for (std::size_t i = 0; i < machines.size(); ++i) {
    SCOPED_TRACE(fmt::format("{}, {}", r.name, names[i]));
    simulator s(machines[i]);
    r.script(s);
    s.until(300);
    EXPECT_EQ(s.qemu().fate(), r.with_us[i]) << s.transcript();
    EXPECT_EQ(s.incident_open(), r.with_us[i] == std::string_view(hangs)) << s.transcript();
    keeps_the_rules(s);
  }
}

TEST(table_8_1, of_qemu_alone) {
  for (const auto& r : table_8_1) expect_alone(r);
}

TEST(table_8_1, with_the_shipped_policies) {
  for (const auto& r : table_8_1) expect_with_us(r);
}

TEST(table_8_1, on_10_0_alone_may_complete_over_half_a_copy_but_not_with_us) {
  for (const bool iothread : {false, true}) {
    const machine m{.release = release::qemu_10_0, .iothread = iothread, .aborts_over_a_copy = false};
    simulator alone(m), with_us(m);
    alone.frame().allowed = authority::observe;
    for (auto* s : {&alone, &with_us}) {
      busy_mirror(*s);
      s->until(60);
      keeps_the_rules(*s);
    }
    EXPECT_EQ(alone.qemu().fate(), broken);
    EXPECT_EQ(with_us.qemu().fate(), completes);
  }
}

TEST(table_8_2, of_qemu_alone) {
  for (const auto& r : table_8_2) expect_alone(r);
}

TEST(table_8_2, with_the_shipped_policies) {
  for (const auto& r : table_8_2) expect_with_us(r);
}

/// A manager that sets the pause and no events: a migration that is shorter than the time between two probes
/// may be over the switchover before it is seen. Without an iothread the yank brings it back; with one it
/// hangs then.
TEST(table_8_2, of_pause_before_switchover_alone_depends_on_when_it_is_seen) {
  for (std::size_t i = 0; i < machines.size(); ++i) {
    int hung = 0, survived = 0;
    for (double t = 2.5; t < 3.5; t += 0.05) {
      SCOPED_TRACE(fmt::format("{}, migrates at {}", names[i], t));
      simulator s(machines[i]);
      s.at(0.5).manager_sets("pause-before-switchover");
      s.at(1).mirror("m0", 10);
      s.at(t - 0.5).target_dies();
      s.at(t).migrate();
      s.until(60);
      const auto fate = s.qemu().fate();
      hung += fate == hangs ? 1 : 0;
      survived += fate == survives ? 1 : 0;
      EXPECT_TRUE(fate == survives || (fate == hangs && machines[i].iothread)) << s.transcript();
      keeps_the_rules(s);
    }
    EXPECT_GT(survived, 0) << names[i];
    EXPECT_EQ(hung > 0, machines[i].iothread) << names[i];
  }
}

/// Without the guard, and where the lock may be lent.
TEST(table_8_2, with_authority_rescue_every_one_that_hangs_is_brought_back) {
  for (std::size_t i = 0; i < machines.size(); ++i) {
    SCOPED_TRACE(names[i]);
    simulator s(machines[i]);
    s.policy_called("switchover-guard").enabled = false;
    s.frame().allowed = authority::rescue;
    dead_target(s);
    s.until(60);
    EXPECT_EQ(s.qemu().fate(), survives) << s.transcript();
    EXPECT_FALSE(s.incident_open()) << s.transcript();
    keeps_the_rules(s);
  }
}

/// Where the guard could not act in advance, the stall's own policy yanks where that is known to help, and
/// nowhere else: with an iothread it would make QEMU abort.
TEST(table_8_2, once_it_hangs_only_the_one_without_an_iothread_is_yanked) {
  const fates with_us{survives, hangs, survives, hangs};
  for (std::size_t i = 0; i < machines.size(); ++i) {
    SCOPED_TRACE(names[i]);
    simulator s(machines[i]);
    s.policy_called("switchover-guard").enabled = false;
    dead_target(s);
    s.until(60);
    EXPECT_EQ(s.qemu().fate(), with_us[i]) << s.transcript();
    keeps_the_rules(s);
  }
}

}  // namespace
}  // namespace unwedge::policies
