// An incident from onset to end, as the engine decides it.
#include "engine_of.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/syscall.h>

namespace unwedge::policies {
namespace {

using namespace fake;
using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(engine_of, a_healthy_vm_decides_nothing) {
  for (int i = 0; i < 10; ++i) EXPECT_THAT(answers(i), IsEmpty());
  EXPECT_THAT(stalls(11, std::nullopt), IsEmpty()) << "late, but no verdict";
  EXPECT_FALSE(engine_.incident_open());
}

TEST_F(engine_of, a_hung_vm_opens_acts_and_closes_as_recovered) {
  EXPECT_THAT(stalls(3), ElementsAre("open monitor-stalled bql-held", "take 0 yank"));
  EXPECT_TRUE(engine_.acting());
  EXPECT_THAT(stalls(3.1), IsEmpty());
  step_is(step_outcome::done, 3.2);
  EXPECT_FALSE(engine_.acting()) << "evidence goes on while it is verified";
  EXPECT_THAT(stalls(3.3), IsEmpty());
  EXPECT_THAT(answers(3.5), ElementsAre("close recovered"));
  EXPECT_FALSE(engine_.incident_open());
  EXPECT_THAT(answers(4), IsEmpty());
}

TEST_F(engine_of, a_vm_that_may_only_be_observed_records_what_it_would_have_done) {
  frame_.allowed = authority::observe;
  EXPECT_THAT(stalls(3), ElementsAre("open monitor-stalled bql-held", "record 0 yank observed"));
  EXPECT_THAT(stalls(4), IsEmpty());
  EXPECT_FALSE(engine_.acting());
  EXPECT_THAT(answers(60), ElementsAre("close observed"));
}

TEST_F(engine_of, a_dry_run_records_what_it_would_have_done) {
  frame_.dry_run = true;
  EXPECT_THAT(stalls(3), ElementsAre("open monitor-stalled bql-held", "record 0 yank dry-run"));
  EXPECT_THAT(stalls(4), IsEmpty());
  EXPECT_THAT(answers(60), ElementsAre("close dry-run"));
  frame_ = {.allowed = authority::observe, .dry_run = true};
  EXPECT_THAT(stalls(70), ElementsAre("open monitor-stalled bql-held", "record 0 yank observed"));
}

TEST_F(engine_of, a_vm_that_comes_back_by_itself_says_so) {
  vm_.monitor.oob = false;
  EXPECT_THAT(stalls(3), ElementsAre("open monitor-stalled bql-held",
                                     "note No action: The monitor has no out-of-band channel."));
  EXPECT_THAT(stalls(4), IsEmpty());
  EXPECT_THAT(answers(5), ElementsAre("close resolved-itself"));
}

TEST_F(engine_of, a_verdict_that_changes_is_amended_and_may_get_its_remedy_later) {
  auto unsure = hung();
  unsure.certain = false;
  EXPECT_THAT(stalls(3, unsure), ElementsAre("open monitor-stalled bql-held",
                                             "note No action: What it waits for is not certain."));
  EXPECT_THAT(stalls(4, of(verdict_kind::traced)),
              ElementsAre("amend traced", "note No action: Nothing to be done about traced."));
  EXPECT_THAT(stalls(5), ElementsAre("amend bql-held tgt", "take 0 yank"));
}

TEST_F(engine_of, a_root_that_changes_is_amended) {
  auto unknown = hung();
  unknown.certain = false;
  unknown.root = wait_root{.type = wait_root::kind::thread, .name = "live_migration", .peer = ""};
  stalls(3, unknown);
  EXPECT_THAT(stalls(4), ElementsAre("amend bql-held tgt", "take 0 yank"));
  step_is(step_outcome::done, 4.1);
  auto other = hung();
  other.root->name = "two";
  add_nbd_node(vm_, "two", other_server, true);
  EXPECT_THAT(stalls(7, other),
              ElementsAre("amend bql-held two",
                          "note No rung of the ladder is left, and the condition still holds."));
}

TEST_F(engine_of, an_incident_keeps_its_verdict_while_the_next_one_is_awaited) {
  vm_.monitor.oob = false;
  stalls(3);
  EXPECT_THAT(stalls(4, std::nullopt), IsEmpty());
  EXPECT_TRUE(engine_.incident_open());
  EXPECT_THAT(stalls(5), IsEmpty());
}

TEST_F(engine_of, a_second_stall_is_a_second_incident_and_acts_again) {
  for (double t = 0; t < 50; t += 10) {
    EXPECT_THAT(stalls(t + 3), ElementsAre("open monitor-stalled bql-held", "take 0 yank"));
    step_is(step_outcome::done, t + 3.2);
    EXPECT_THAT(answers(t + 3.5), ElementsAre("close recovered"));
  }
}

TEST_F(engine_of, a_vm_that_waits_for_the_stream_gets_the_stream_yanked) {
  vm_ = migrating();
  const auto v = judged(seen_for_three_seconds(held_in_stream(SYS_sendmsg)), vm_);
  const vm_view view{.vm = vm_, .io = io_, .now = at(3), .talking = false, .settled = false, .stall = &*v};
  const auto decisions = engine_.step(look_at(view));
  ASSERT_EQ(decisions.size(), 2u);
  EXPECT_EQ(boost::json::serialize(std::get<take_step>(decisions[1].what).step.arguments),
            R"({"instances":[{"type":"migration"}]})");
}

}  // namespace
}  // namespace unwedge::policies
