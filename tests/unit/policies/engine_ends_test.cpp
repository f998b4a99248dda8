// Where a process ends, and where the daemon began anew: incidents that outlive one of them.
#include "engine_of.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

using namespace fake;
using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(engine_of, a_process_that_ends_is_an_incident) {
  EXPECT_THAT(ends(1), ElementsAre("open process-gone gone", "close observed"));
  EXPECT_THAT(ends(2), IsEmpty());
}

TEST_F(engine_of, a_process_that_shuts_down_is_none) {
  vm_.shut_down = true;
  EXPECT_THAT(ends(1), IsEmpty());
}

TEST_F(engine_of, a_process_that_ends_in_mid_incident_closes_it_as_failed) {
  stalls(3);
  EXPECT_THAT(ends(3.1), ElementsAre("close failed", "open process-gone gone", "close observed"));
  step_is(step_outcome::done, 3.2);
  EXPECT_FALSE(engine_.incident_open());
  EXPECT_THAT(ends(4), IsEmpty());
}

TEST_F(engine_of, a_process_that_shuts_down_in_mid_incident_closes_it_as_failed) {
  stalls(3);
  vm_.shut_down = true;
  EXPECT_THAT(ends(3.1), ElementsAre("close failed"));
}

TEST_F(engine_of, an_incident_of_an_earlier_run_never_repeats_its_steps) {
  resume(1, 1);
  EXPECT_TRUE(engine_.incident_open());
  EXPECT_THAT(stalls(3), ElementsAre("amend bql-held tgt",
                                     "note No rung of the ladder is left, and the condition still holds."));
  EXPECT_THAT(stalls(4), IsEmpty());
  EXPECT_THAT(answers(5), ElementsAre("close recovered"));
}

TEST_F(engine_of, an_incident_of_an_earlier_run_without_steps_may_act) {
  resume(0, 0);
  EXPECT_THAT(stalls(3), ElementsAre("amend bql-held tgt", "take 0 yank"));
}

TEST_F(engine_of, an_incident_of_an_earlier_run_may_be_over_already) {
  resume(0, 0);
  EXPECT_THAT(answers(1), ElementsAre("close resolved-itself"));
}

}  // namespace
}  // namespace unwedge::policies
