// Random scripts: what must hold whatever happens. One seed, one script; a failure names its seed.
#include "simulator.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>

namespace unwedge::policies {
namespace {

using namespace fake;

constexpr double plays_for = 150;
constexpr int seeds = 200;

class script_writer {
 public:
  explicit script_writer(unsigned seed) : random_(seed) {}

  machine some_machine() {
    return {.release = chance(6)   ? release::qemu_5_2
                       : chance(2) ? release::qemu_7_2
                                   : release::qemu_10_0,
            .iothread = chance(2),
            .writes = chance(2),
            .oob = !chance(6),
            .auto_dismiss = !chance(3),
            .unix_targets = chance(4),
            .goes_on_after_a_lease = chance(2),
            .cuts_in_vain = chance(4) ? 1 : 0,
            .ram_mib = chance(4)   ? 1
                       : chance(4) ? 4'000.0
                                   : 64,
            .dirties_mib = chance(4) ? 200.0 : 1};
  }

  void write(simulator& s) {
    if (chance(3)) s.at(0).manager_sets("pause-before-switchover");
    if (chance(2)) s.at(0).manager_sets("events");
    if (chance(6)) s.at(0).manager_sets("postcopy-ram");
    s.at(1).mirror("m0", length());
    if (chance(3)) s.at(2).mirror("m1", length());
    for (int i = 0; i < 12; ++i) happens(s.at(number(1, plays_for)));
  }

  /// Everything heals, or is ended by whoever owns it.
  void heal(simulator& s) {
    s.at(plays_for + 1)
        .destination_freezes(false)
        .qemu([](scripted_qemu& q) {
          q.disk_stalls(false);
          q.computes(false);
          q.signal_stops(false);
        })
        .frame([](action_frame& f) { f = {.allowed = authority::protect}; });
    for (const auto* job : {"m0", "m1"}) {
      s.at(plays_for + 2).qemu([job](scripted_qemu& q) { q.ends(job); });
    }
    s.at(plays_for + 5).manager("migrate_cancel");
    s.at(plays_for + 30).manager("migrate_cancel");
    s.at(plays_for + 40).qemu([](scripted_qemu& q) {
      if (!q.answers_in_band()) q.dies();
    });
  }

 private:
  bool chance(unsigned one_in) { return random_() % one_in == 0; }
  double number(double from, double to) {
    return from + (to - from) * static_cast<double>(random_() % 10'000) / 10'000;
  }
  double length() { return chance(2) ? number(2, 20) : number(20, 400); }

  void happens(moment at) {
    const std::string job = chance(3) ? "m1" : "m0";
    const auto what = random_() % 22;
    if (what < 9) return manager_does(at, job);
    if (what < 18) return qemu_gets(at, job);
    if (what == 18) return frame(at);
    const double gone_for = number(0.1, 10);
    if (what == 19) {
      at.daemon_is_killed(gone_for);
    } else {
      at.daemon_is_killed(what == 20 ? killed::with_the_intent_on_record : killed::with_the_command_sent,
                          gone_for);
    }
  }

  void manager_does(moment& at, const std::string& job) {
    const bool yes = chance(2);
    switch (random_() % 9) {
      case 0:
        at.manager("migrate_cancel");
        break;
      case 1:
        at.manager("block-job-cancel", {{"device", job}, {"force", yes}});
        break;
      case 2:
        at.manager(yes ? "stop" : "cont");
        break;
      case 3:
        at.manager("migrate-set-parameters", {{"max-bandwidth", 50'000'000}, {"downtime-limit", 500}});
        break;
      case 4:
        at.manager_sets("pause-before-switchover", yes);
        break;
      case 5:
        at.manager("migrate-start-postcopy");
        break;
      default:
        at.migrate();
        break;
    }
  }

  void qemu_gets(moment& at, const std::string& job) {
    const bool yes = chance(2);
    const auto what = random_() % 9;
    at.qemu([=, l = length()](scripted_qemu& q) {
      if (what == 0) return q.disk_stalls(yes);
      if (what == 1) return q.computes(yes);
      if (what == 2) return q.destination_freezes(yes);
      if (what == 3 && q.answers_in_band() && !q.has(job)) return q.mirror(job, l);
      if (!q.has(job)) return;
      if (what == 4) return q.target_revives(job);
      if (what == 5) return q.target_fails(job);
      if (what > 5) q.target_dies(job);
    });
  }

  void frame(moment& at) {
    const auto allowed = chance(3) ? authority::observe : chance(2) ? authority::protect : authority::rescue;
    const bool held = chance(3), starved = chance(3), dry = chance(6);
    at.frame([=](action_frame& f) {
      f = {.allowed = allowed,
           .dry_run = dry,
           .held = held ? "maintenance" : "",
           .host_starved = starved ? "late" : ""};
    });
  }

  std::mt19937 random_;
};

std::unique_ptr<simulator> played(unsigned seed) {
  script_writer writer(seed);
  auto s = std::make_unique<simulator>(writer.some_machine());
  writer.write(*s);
  writer.heal(*s);
  s->until(plays_for + 45);
  return s;
}

TEST(any_script, keeps_the_rules_and_leaves_nothing_open) {
  std::ptrdiff_t acted = 0, opened = 0;
  int failures = 0;
  for (unsigned seed = 0; seed < seeds && failures < 3; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    const auto s = played(seed);
    s->until_closed(120);
    keeps_the_rules(*s);
    EXPECT_FALSE(s->incident_open()) << s->transcript();
    failures += s->incident_open() || !s->broken_rules().empty() ? 1 : 0;
    acted += std::ranges::count_if(s->story(), [](const auto& line) { return line.contains(" take "); });
    opened += std::ranges::count_if(s->story(), [](const auto& line) { return line.contains(" open "); });
  }
  if (failures > 0) return;
  EXPECT_GT(acted, seeds / 2) << "the scripts must reach what they are to test";
  EXPECT_GT(opened, seeds / 2);
}

TEST(any_script, played_twice_gives_the_same_decisions) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE(seed);
    const auto first = played(seed), second = played(seed);
    EXPECT_EQ(first->transcript(), second->transcript());
  }
}

}  // namespace
}  // namespace unwedge::policies
