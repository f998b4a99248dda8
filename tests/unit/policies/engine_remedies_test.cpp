// The remedies of a hang one after the other, and what is kept of it meanwhile.
#include "engine_of.hpp"
#include "hung.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

using namespace fake;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* opens = "open monitor-stalled bql-held";

class remedies_of : public engine_of {
 protected:
  remedies_of() {
    set_ladder(
        {action_kind::yank_root, action_kind::sever_root, action_kind::rescue_root, action_kind::flag_core});
    frame_.allowed = authority::rescue;
    vm_ = mirroring_and_migrating();
  }

  void set_ladder(const std::vector<action_kind>& actions) {
    policies_[0].ladder.clear();
    for (const auto a : actions) policies_[0].ladder.push_back({a});
  }

  static verdict iothread_hang() {
    auto v = dead_node();
    v.root->polled_by_waiter = false;
    return v;
  }
  static verdict doubtful() {
    auto v = dead_node();
    v.certain = false;
    return v;
  }
  void resume_with(const std::vector<std::string>& actions) {
    record r{.on_record = actions.size()};
    for (const auto& a : actions) r.begun.push_back({.action = a});
    engine_.resume(policies_[0], "", r);
  }
};

TEST_F(remedies_of, are_taken_one_after_the_other) {
  EXPECT_THAT(stalls(3, dead_node()), ElementsAre(opens, "take 0 yank"));
  step_is(step_outcome::done, 3.2);
  EXPECT_THAT(stalls(5.1, dead_node()), IsEmpty());
  EXPECT_THAT(stalls(5.2, dead_node()), ElementsAre("take 1 sever-root"));
  step_is(step_outcome::done, 5.3);
  EXPECT_THAT(stalls(7.3, dead_node()), ElementsAre("take 2 rescue-root"));
  step_is(step_outcome::failed, 8);
  EXPECT_THAT(stalls(9.9, dead_node()), IsEmpty());
  EXPECT_THAT(stalls(10, dead_node()), ElementsAre("take 3 flag-core"));
  step_is(step_outcome::done, 10.1);
  EXPECT_THAT(stalls(11, dead_node()),
              ElementsAre("note No rung of the ladder is left, and the condition still holds."));
  EXPECT_THAT(answers(20), ElementsAre("close recovered"));
}

TEST_F(remedies_of, that_are_none_here_are_passed_over) {
  EXPECT_THAT(
      stalls(3, iothread_hang()),
      ElementsAre(
          opens,
          "note No yank-root: The job of node \"tgt\" runs in an iothread: a plain yank would make QEMU "
          "abort. No sever-root: The job of node \"tgt\" runs in an iothread: cut off without a lease it "
          "would make QEMU abort.",
          "take 0 rescue-root"));
  step_is(step_outcome::done, 6);
  EXPECT_THAT(answers(6.1), ElementsAre("close recovered"));
}

/// The main loop answers in the window, and may hang again when it is over: the watcher says of such a look
/// that it is not settled.
TEST_F(remedies_of, a_lease_in_which_the_vm_answered_has_not_yet_brought_it_back) {
  stalls(3, iothread_hang());
  const auto unsettled = [&](double second) {
    const vm_view view{.vm = vm_, .io = io_, .now = at(second), .settled = false};
    return engine_.step(look_at(view));
  };
  EXPECT_THAT(unsettled(5), IsEmpty());
  step_is(step_outcome::done, 6);
  EXPECT_THAT(unsettled(6.1), IsEmpty()) << "nothing was answered since";
  EXPECT_TRUE(engine_.incident_open());
  EXPECT_THAT(stalls(12, iothread_hang()),
              ElementsAre(testing::StartsWith("note No action: "), "take 1 flag-core"))
      << "the same incident, and no second lease";
  step_is(step_outcome::done, 12.1);
  EXPECT_THAT(answers(20), ElementsAre("close recovered"));
}

TEST_F(remedies_of, that_are_all_none_stay_watched_and_evidence_is_kept_meanwhile) {
  EXPECT_THAT(stalls(3, doubtful()),
              ElementsAre(opens, "note No action: What it waits for is not certain.", "take 0 flag-core"));
  step_is(step_outcome::done, 3.1);
  for (double t = 4; t < 60; t += 1) EXPECT_THAT(stalls(t, doubtful()), IsEmpty()) << t;
  EXPECT_THAT(stalls(61, dead_node()), ElementsAre("take 1 yank"));
  step_is(step_outcome::done, 61.1);
  EXPECT_THAT(stalls(64, dead_node()), ElementsAre("take 2 sever-root"));
}

/// One that was passed over is not given up: without an out-of-band channel, and then with one again.
TEST_F(remedies_of, that_were_none_may_become_one_after_another_was_tried) {
  vm_.monitor.oob = false;
  EXPECT_THAT(
      stalls(3, dead_node()),
      ElementsAre(opens, "note No yank-root: The monitor has no out-of-band channel.", "take 0 sever-root"));
  step_is(step_outcome::done, 3.1);
  vm_.monitor.oob = true;
  EXPECT_THAT(stalls(6, dead_node()), ElementsAre("take 1 yank"));
  step_is(step_outcome::done, 6.1);
  EXPECT_THAT(stalls(9, dead_node()), ElementsAre("take 2 rescue-root"));
}

TEST_F(remedies_of, a_lease_that_may_not_be_given_is_on_record_once_and_stops_no_evidence) {
  frame_.allowed = authority::protect;
  EXPECT_THAT(stalls(3, iothread_hang()), ElementsAre(opens, testing::StartsWith("note No yank-root: "),
                                                      "record 0 rescue-root observed", "take 1 flag-core"));
  step_is(step_outcome::done, 3.1);
  for (double t = 4; t < 60; t += 1) EXPECT_THAT(stalls(t, iothread_hang()), IsEmpty()) << t;
  frame_.allowed = authority::rescue;
  EXPECT_THAT(stalls(61, iothread_hang()), ElementsAre("take 2 rescue-root"))
      << "its operator has thought better";
}

TEST_F(remedies_of, a_lease_that_was_not_given_closes_as_observed) {
  frame_.allowed = authority::protect;
  stalls(3, iothread_hang());
  step_is(step_outcome::done, 3.1);
  EXPECT_THAT(answers(20), ElementsAre("close observed"));
}

TEST_F(remedies_of, of_a_vm_that_may_only_be_observed_put_only_the_remedy_on_record) {
  frame_.allowed = authority::observe;
  EXPECT_THAT(stalls(3, dead_node()), ElementsAre(opens, "record 0 yank observed"));
  for (double t = 4; t < 20; t += 1) EXPECT_THAT(stalls(t, dead_node()), IsEmpty()) << t;
}

TEST_F(remedies_of, that_are_out_of_budget_stop_no_evidence) {
  policies_[0].budget.per_vm = 1;
  stalls(3, dead_node());
  step_is(step_outcome::done, 3.1);
  EXPECT_THAT(stalls(6, dead_node()),
              ElementsAre("record 1 sever-root budget: monitor-stall took 1 steps on this VM within 1 h",
                          "take 2 flag-core"));
}

TEST_F(remedies_of, that_are_out_of_budget_put_no_evidence_on_record_that_is_so_too) {
  set_ladder({action_kind::yank_root, action_kind::sever_root, action_kind::core});
  policies_[0].budget.per_vm = 1;
  stalls(3, dead_node());
  step_is(step_outcome::done, 3.1);
  EXPECT_THAT(stalls(6, dead_node()),
              ElementsAre("record 1 sever-root budget: monitor-stall took 1 steps on this VM within 1 h"));
  for (double t = 7; t < 20; t += 1) EXPECT_THAT(stalls(t, dead_node()), IsEmpty()) << t;
}

TEST_F(remedies_of, are_given_up_after_three_last_looks_that_found_another_situation) {
  EXPECT_THAT(stalls(3, iothread_hang()),
              ElementsAre(opens, testing::StartsWith("note No yank-root: "), "take 0 rescue-root"));
  step_is(step_outcome::refused, 3.1);
  EXPECT_THAT(stalls(4.1, iothread_hang()), ElementsAre("take 1 rescue-root"));
  step_is(step_outcome::refused, 4.2);
  EXPECT_THAT(stalls(5.2, iothread_hang()), ElementsAre("take 2 rescue-root"));
  step_is(step_outcome::refused, 5.3);
  for (double t = 6; t < 20; t += 1) EXPECT_THAT(stalls(t, iothread_hang()), IsEmpty()) << t;
}

/// What comes after the remedies may be the VM's end: not for a moment's doubt, and never with none tried.
TEST_F(remedies_of, are_waited_for_before_what_comes_after_them) {
  set_ladder({action_kind::yank_root, action_kind::sever_root, action_kind::abort});
  frame_.allowed = authority::destroy;
  stalls(3, dead_node());
  step_is(step_outcome::done, 3.1);
  EXPECT_THAT(stalls(6, doubtful()), ElementsAre("note No action: What it waits for is not certain."));
  EXPECT_THAT(stalls(15.9, doubtful()), IsEmpty());
  EXPECT_THAT(stalls(16, doubtful()), ElementsAre("take 1 abort"));
}

TEST_F(remedies_of, of_which_none_was_tried_are_waited_for_without_end) {
  set_ladder({action_kind::yank_root, action_kind::sever_root, action_kind::abort});
  frame_.allowed = authority::destroy;
  stalls(3, doubtful());
  for (double t = 4; t < 1'000; t += 10) EXPECT_THAT(stalls(t, doubtful()), IsEmpty()) << t;
}

TEST_F(remedies_of, of_a_doubt_that_passes_go_on) {
  set_ladder({action_kind::yank_root, action_kind::sever_root, action_kind::abort});
  frame_.allowed = authority::destroy;
  stalls(3, dead_node());
  step_is(step_outcome::done, 3.1);
  stalls(6, doubtful());
  EXPECT_THAT(stalls(15, dead_node()), ElementsAre("take 1 sever-root"));
}

TEST_F(remedies_of, of_an_earlier_run_are_not_taken_again) {
  struct row {
    std::vector<std::string> begun;
    verdict seen;
    const char* next;
  };
  const row rows[] = {
      {{}, dead_node(), "take 0 yank"},
      {{"yank"}, dead_node(), "take 1 sever-root"},
      {{"sever-root"}, dead_node(), "take 1 yank"},
      {{"yank", "sever-root"}, dead_node(), "take 2 rescue-root"},
      {{"flag-core", "yank"}, dead_node(), "take 2 sever-root"},
      {{"flag-core"}, iothread_hang(), "take 1 rescue-root"},
      {{"rescue-root"}, dead_node(), "take 1 yank"},
      {{"yank", "sever-root", "rescue-root"}, dead_node(), "take 3 flag-core"},
  };
  for (const auto& r : rows) {
    engine_ = {};
    host_ = {};
    resume_with(r.begun);
    const auto lines = stalls(3, r.seen);
    ASSERT_FALSE(lines.empty());
    EXPECT_EQ(lines.back(), r.next) << testing::PrintToString(r.begun);
  }
}

TEST_F(remedies_of, of_an_earlier_run_that_were_all_taken_are_all_there_is) {
  resume_with({"rescue-root", "flag-core", "yank", "sever-root"});
  EXPECT_THAT(stalls(3, dead_node()),
              ElementsAre("amend bql-held tgt",
                          "note No rung of the ladder is left, and the condition still holds."));
  EXPECT_THAT(answers(4), ElementsAre("close recovered"));
}

TEST_F(remedies_of, are_confirmed_only_as_the_very_step) {
  stalls(3, iothread_hang());
  const auto begun = rescue_root(iothread_hang(), vm_).ladder.front();
  const auto confirmed = [&](const verdict& v) {
    const vm_view view{.vm = vm_, .io = io_, .now = at(3.1), .talking = false, .settled = false, .stall = &v};
    return engine_.confirms("monitor-stall", begun, look_at(view));
  };
  EXPECT_TRUE(confirmed(iothread_hang()));
  auto longer = iothread_hang();
  longer.root->silent_for = std::chrono::seconds(9);
  longer.at = at(3.1);
  EXPECT_TRUE(confirmed(longer)) << "time goes by";
  auto one_lock_more = iothread_hang();
  one_lock_more.holder->further_mutexes = {0x1000};
  EXPECT_FALSE(confirmed(one_lock_more)) << "a lock more that it has";
  EXPECT_FALSE(confirmed(doubtful()));
  vm_.yankable.block_nodes.clear();
  EXPECT_FALSE(confirmed(iothread_hang())) << "the cut would be another";
}

}  // namespace
}  // namespace unwedge::policies
