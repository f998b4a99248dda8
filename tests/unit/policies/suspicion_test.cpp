#include "policies/suspicion.hpp"

#include "world.hpp"

#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

using namespace fake;
using namespace std::chrono_literals;

constexpr probe_settings probing{};  // 1 s, late after 1 s, patience 3 s

/// A VM whose last answer came at `replied` and whose oldest unanswered request was sent at `asked`.
vm_model waiting(double replied, double asked) {
  auto vm = mirroring();
  vm.monitor.last_reply = at(replied);
  vm.monitor.waiting_since = at(asked);
  return vm;
}

void answer(vm_model& vm, double second) {
  vm.monitor.last_reply = at(second);
  vm.monitor.waiting_since.reset();
}

process_facts sample_at(double second) {
  auto facts = held_by_migration();
  facts.at = at(second);
  return facts;
}

TEST(stalled_since, is_between_the_last_answer_and_the_first_unanswered_request) {
  EXPECT_EQ(stalled_since(waiting(9.0, 10.0).monitor), at(9.5));
  EXPECT_EQ(stalled_since(waiting(9.9, 10.0).monitor), at(9.95));
  EXPECT_EQ(stalled_since(waiting(10.0, 10.0).monitor), at(10.0));
  EXPECT_EQ(stalled_since(waiting(10.5, 10.0).monitor), at(10.0)) << "an answer to a later request";
}

TEST(stalled_since, makes_nothing_of_an_answer_of_long_ago) {
  EXPECT_EQ(stalled_since(waiting(8.0, 10.0).monitor), at(9.5));
  EXPECT_EQ(stalled_since(waiting(-3'600.0, 10.0).monitor), at(9.5)) << "of an earlier session";
}

TEST(stalled_since, is_nothing_while_nothing_is_overdue) {
  monitor_state m;
  EXPECT_EQ(stalled_since(m), std::nullopt);
  m.last_reply = at(1);
  EXPECT_EQ(stalled_since(m), std::nullopt);
  m.last_reply.reset();
  m.waiting_since = at(2);
  EXPECT_EQ(stalled_since(m), at(2)) << "never an answer at all";
}

TEST(suspicion, opens_when_a_request_is_late_to_the_millisecond) {
  const auto vm = waiting(9.0, 10.0);
  suspicion s;
  s.update(vm, at(10.999), probing);
  EXPECT_FALSE(s.active());
  s.update(vm, at(11.0), probing);
  EXPECT_TRUE(s.active());
  EXPECT_EQ(s.since(), at(9.5));
  EXPECT_EQ(s.next_sample_at(), at(11.0)) << "the first look is taken at once";
}

TEST(suspicion, never_opens_while_answers_come) {
  suspicion s;
  auto vm = mirroring();
  for (double t = 0; t < 100; t += 0.25) {
    vm.monitor.last_reply = at(t);
    vm.monitor.waiting_since = at(t);
    s.update(vm, at(t + 0.9), probing);
    EXPECT_FALSE(s.active());
  }
}

TEST(suspicion, ends_with_the_first_answer_and_forgets_its_samples) {
  auto vm = waiting(9.0, 10.0);
  suspicion s;
  s.update(vm, at(11.0), probing);
  s.add(sample_at(11.0), probing);
  EXPECT_EQ(s.samples().size(), 1u);
  answer(vm, 11.5);
  s.update(vm, at(11.5), probing);
  EXPECT_FALSE(s.active());
  EXPECT_TRUE(s.samples().empty());
}

TEST(suspicion, ends_even_if_the_next_request_was_sent_at_once) {
  auto vm = waiting(9.0, 10.0);
  suspicion s;
  s.update(vm, at(11.0), probing);
  vm.monitor.last_reply = vm.monitor.waiting_since = at(11.5);
  s.update(vm, at(11.6), probing);
  EXPECT_FALSE(s.active());
}

TEST(suspicion, opens_again_with_the_next_late_request) {
  auto vm = waiting(9.0, 10.0);
  suspicion s;
  s.update(vm, at(11.0), probing);
  answer(vm, 11.5);
  s.update(vm, at(11.5), probing);
  vm.monitor.waiting_since = at(12.0);
  s.update(vm, at(12.9), probing);
  EXPECT_FALSE(s.active());
  s.update(vm, at(13.0), probing);
  EXPECT_TRUE(s.active());
  EXPECT_EQ(s.since(), at(11.75));
}

TEST(suspicion, ends_with_the_session) {
  auto vm = waiting(9.0, 10.0);
  suspicion s;
  s.update(vm, at(11.0), probing);
  vm.monitor.waiting_since.reset();
  s.update(vm, at(11.1), probing);
  EXPECT_FALSE(s.active());
}

TEST(suspicion, drops_a_sample_that_comes_too_late) {
  suspicion s;
  s.add(sample_at(1.0), probing);
  EXPECT_TRUE(s.samples().empty());
  EXPECT_EQ(s.judge(mirroring(), probing), std::nullopt);
}

/// When samples are taken, each at the moment it is due.
std::vector<double> sample_times(suspicion& s, double until) {
  std::vector<double> out;
  while (s.next_sample_at() <= at(until)) {
    const auto due = s.next_sample_at();
    out.push_back(std::chrono::duration<double>(due.time_since_epoch()).count());
    auto facts = held_by_migration();
    facts.at = due;
    s.add(std::move(facts), probing);
  }
  return out;
}

TEST(suspicion, looks_five_times_up_to_the_patience_and_exactly_at_its_end) {
  suspicion s;
  s.update(waiting(10.0, 10.0), at(11.0), probing);
  EXPECT_EQ(sample_times(s, 13.0), (std::vector{11.0, 11.5, 12.0, 12.5, 13.0}));
  EXPECT_TRUE(s.judge(mirroring(), probing).has_value());
}

TEST(suspicion, looks_at_the_end_of_the_patience_wherever_it_began) {
  suspicion s;
  s.update(waiting(9.4, 10.0), at(11.0), probing);  // since 9.7
  EXPECT_EQ(sample_times(s, 12.8), (std::vector{11.0, 11.5, 12.0, 12.5, 12.7}));
  EXPECT_TRUE(s.judge(mirroring(), probing).has_value());
}

TEST(suspicion, looks_ever_more_seldom_at_a_long_stall_but_always_again) {
  suspicion s;
  s.update(waiting(10.0, 10.0), at(11.0), probing);
  const auto times = sample_times(s, 10'000.0);
  for (std::size_t i = 1; i < times.size(); ++i) {
    EXPECT_GE(times[i] - times[i - 1], 0.5 - 1e-6);
    EXPECT_LE(times[i] - times[i - 1], 10.0 + 1e-6);
  }
  EXPECT_LT(times.size(), 1'100u);
  EXPECT_LE(s.samples().size(), 8u) << "only the last few are kept";
  EXPECT_EQ(s.samples().back().at, at(times.back()));
}

TEST(suspicion, gives_no_verdict_before_the_patience) {
  suspicion s;
  auto vm = waiting(10.0, 10.0);
  s.update(vm, at(11.0), probing);
  for (const double t : {11.0, 11.5, 12.0, 12.5, 12.999}) {
    s.add(sample_at(t), probing);
    EXPECT_EQ(s.judge(vm, probing), std::nullopt) << t;
  }
  s.add(sample_at(13.0), probing);
  EXPECT_EQ(in_one_line(s.judge(vm, probing)), "bql-held block-node:tgt certain");
}

TEST(suspicion, is_never_of_a_patience_shorter_than_asked_for) {
  probe_settings slow{.interval = 60s, .late_after = 1s, .patience = 3s};
  suspicion s;
  s.update(waiting(0.0, 60.0), at(61.0), slow);
  EXPECT_EQ(s.since(), at(59.5)) << "not 30, half the interval before";
  EXPECT_EQ(s.undecided(mirroring()), "No evidence from the process yet.");
}

}  // namespace
}  // namespace unwedge::policies
