#include "policies/pulse.hpp"

#include "policies/suspicion.hpp"
#include "world.hpp"

#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

using namespace fake;

thread_facts main_thread(std::uint64_t switches) {
  auto t = polling(thread(main_tid, "qemu-system-x86"), {signal_fd});
  t.context_switches = switches;
  return t;
}

TEST(pulse, is_quiet_from_the_first_of_two_looks_that_are_the_same) {
  pulse p;
  p.add(main_thread(1), at(1));
  EXPECT_FALSE(p.quiet_since());
  p.add(main_thread(1), at(2));
  p.add(main_thread(1), at(3));
  EXPECT_EQ(p.quiet_since(), at(1));
  p.add(main_thread(2), at(4));
  EXPECT_FALSE(p.quiet_since());
  p.add(main_thread(2), at(5));
  EXPECT_EQ(p.quiet_since(), at(4));
}

TEST(pulse, sees_the_least_sign_of_life) {
  const std::pair<const char*, void (*)(thread_facts&)> signs[] = {
      {"a context switch", [](thread_facts& t) { ++t.context_switches; }},
      {"CPU time", [](thread_facts& t) { ++t.cpu_ns; }},
      {"another call", [](thread_facts& t) { t.syscall->args[0] = 1; }},
      {"no call", [](thread_facts& t) { t.syscall.reset(); }}};
  for (const auto& [what, change] : signs) {
    pulse p;
    auto t = main_thread(1);
    p.add(t, at(1));
    change(t);
    p.add(t, at(2));
    EXPECT_FALSE(p.quiet_since()) << what;
  }
}

TEST(pulse, takes_an_idle_main_loop_for_well_until_it_runs_again) {
  pulse p;
  p.add(main_thread(1), at(1));
  p.add(main_thread(1), at(2));
  p.found_idle();
  EXPECT_FALSE(p.quiet_since());
  p.add(main_thread(1), at(60));
  EXPECT_FALSE(p.quiet_since()) << "it is the same sleep";
  p.add(main_thread(2), at(61));
  p.add(main_thread(2), at(62));
  EXPECT_EQ(p.quiet_since(), at(61)) << "another one";
}

TEST(main_loop_idles, knows_its_own_poll) {
  EXPECT_TRUE(main_loop_idles(idle_process()));
  EXPECT_FALSE(main_loop_idles(main_polls_nested()));
  EXPECT_FALSE(main_loop_idles(held_by_migration()));
  auto frozen = idle_process();
  frozen.frozen_in = "/web01";
  EXPECT_FALSE(main_loop_idles(frozen));
  EXPECT_FALSE(main_loop_idles({}));
}

TEST(suspicion, opens_by_the_pulse_where_there_is_no_monitor) {
  vm_model vm;
  suspicion s;
  vm.quiet_since = at(1);
  s.update(vm, at(1.9), {});
  EXPECT_FALSE(s.active());
  s.update(vm, at(2), {});
  ASSERT_TRUE(s.active());
  EXPECT_EQ(s.since(), at(1));
  for (const auto& f : seen_for_three_seconds(held_by_migration())) {
    auto later = f;
    later.at += std::chrono::seconds(1);
    s.add(later, {});
  }
  EXPECT_EQ(in_one_line(s.judge(vm, {})), "bql-held socket: uncertain")
      << "whose connection it is nobody knows";
  vm.quiet_since.reset();
  s.update(vm, at(5), {});
  EXPECT_FALSE(s.active());
}

}  // namespace
}  // namespace unwedge::policies
