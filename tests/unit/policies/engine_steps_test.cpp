// What the engine makes of the outcome of a step.
#include "engine_of.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

using namespace fake;
using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(engine_of, a_step_that_does_not_help_is_not_done_again) {
  stalls(3);
  step_is(step_outcome::done, 3.2);
  EXPECT_THAT(stalls(5.199), IsEmpty()) << "two seconds to verify, from the end of the step";
  EXPECT_THAT(stalls(5.2), ElementsAre("note No rung of the ladder is left, and the condition still holds."));
  for (double t = 6; t < 100; t += 1) EXPECT_THAT(stalls(t), IsEmpty());
  EXPECT_THAT(answers(100), ElementsAre("close recovered"));
}

TEST_F(engine_of, a_slow_step_still_has_its_time_to_be_verified) {
  stalls(3);
  step_is(step_outcome::done, 7);
  EXPECT_THAT(stalls(7.1), IsEmpty());
  EXPECT_THAT(answers(7.5), ElementsAre("close recovered"));
}

TEST_F(engine_of, a_step_that_failed_is_not_done_again) {
  stalls(3);
  step_is(step_outcome::failed, 3.2);
  EXPECT_THAT(stalls(4), IsEmpty()) << "nobody knows what it did: it may yet work";
  EXPECT_THAT(stalls(5.2), ElementsAre("note No rung of the ladder is left, and the condition still holds."));
  EXPECT_THAT(answers(9), ElementsAre("close resolved-itself"));
}

/// Its answer came too late, say: what clears in its time to verify has cleared by it, later it has not.
TEST_F(engine_of, a_step_that_failed_and_touched_the_vm_may_have_brought_it_back) {
  stalls(3);
  step_is(step_outcome::failed_touched, 3.2);
  EXPECT_THAT(stalls(5), IsEmpty());
  EXPECT_THAT(answers(5.1), ElementsAre("close recovered"));
  stalls(10);
  step_is(step_outcome::failed_touched, 10.2);
  EXPECT_THAT(stalls(12.2),
              ElementsAre("note No rung of the ladder is left, and the condition still holds."));
  EXPECT_THAT(answers(20), ElementsAre("close resolved-itself"));
  stalls(30);
  step_is(step_outcome::failed_touched, 30.2);
  EXPECT_THAT(answers(32.2), ElementsAre("close resolved-itself")) << "no look in between";
}

TEST_F(engine_of, a_step_that_failed_and_touched_nothing_has_brought_nothing_back) {
  stalls(3);
  step_is(step_outcome::failed, 3.2);
  EXPECT_THAT(answers(4), ElementsAre("close resolved-itself"));
}

TEST_F(engine_of, a_step_whose_ground_was_gone_may_be_tried_thrice) {
  EXPECT_THAT(stalls(3), ElementsAre("open monitor-stalled bql-held", "take 0 yank"));
  step_is(step_outcome::refused, 3.1);
  EXPECT_THAT(stalls(3.2), IsEmpty()) << "not at once, on the evidence just refuted";
  EXPECT_THAT(stalls(4.1), ElementsAre("take 1 yank"));
  step_is(step_outcome::refused, 4.2);
  EXPECT_THAT(stalls(5.2), ElementsAre("take 2 yank"));
  step_is(step_outcome::refused, 5.3);
  for (double t = 6; t < 20; t += 1) EXPECT_THAT(stalls(t), IsEmpty());
  EXPECT_THAT(answers(21), ElementsAre("close resolved-itself"));
  EXPECT_THAT(stalls(30), ElementsAre("open monitor-stalled bql-held", "take 0 yank")) << "another incident";
}

TEST_F(engine_of, an_outcome_that_nobody_waits_for_changes_nothing) {
  step_is(step_outcome::done, 1);
  EXPECT_FALSE(engine_.incident_open());
  stalls(3);
  step_is(step_outcome::done, 3.1);
  step_is(step_outcome::refused, 3.2);
  EXPECT_THAT(stalls(3.3), IsEmpty());
}

TEST_F(engine_of, an_answer_during_a_step_waits_for_its_outcome) {
  stalls(3);
  EXPECT_THAT(answers(3.1), IsEmpty());
  EXPECT_TRUE(engine_.incident_open());
  step_is(step_outcome::done, 3.2);
  EXPECT_THAT(answers(3.2), ElementsAre("close recovered"));
}

}  // namespace
}  // namespace unwedge::policies
