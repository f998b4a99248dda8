// The engine on a virtual clock: observations in, decisions out, each as one line.
#include "policies/engine.hpp"

#include "world.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/syscall.h>

namespace unwedge::policies {
namespace {

using namespace fake;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

std::string as_line(const decision& d) {
  struct {
    std::string operator()(const open_incident& o) {
      return fmt::format("open {}{}", to_string(o.condition.kind),
                         o.verdict ? fmt::format(" {}", to_string(o.verdict->kind)) : "");
    }
    std::string operator()(const amend_verdict& a) {
      return fmt::format("amend {}{}", to_string(a.verdict.kind),
                         a.verdict.root ? " " + a.verdict.root->name : "");
    }
    std::string operator()(const take_step& t) { return fmt::format("take {} {}", t.index, t.step.action); }
    std::string operator()(const record_step& r) {
      return fmt::format("record {} {} {}", r.index, r.step.action, r.result);
    }
    std::string operator()(const add_note& n) { return "note " + n.text; }
    std::string operator()(const close_incident& c) { return "close " + c.outcome; }
    std::string operator()(const set_precaution& p) { return "set " + p.step.action; }
  } line;
  return std::visit(line, d.what);
}

verdict hung() {
  return *judged(seen_for_three_seconds(held_by_migration()), mirroring());
}

verdict of(verdict_kind kind) {
  return {.kind = kind, .since = at(0), .at = at(3)};
}

const std::vector<policy> two_policies{
    {.name = "monitor-stall",
     .condition = condition_kind::monitor_stalled,
     .ladder = {{action_kind::yank_root}},
     .budget = {.per_vm = 100, .per_host = 100}},
    {.name = "process-gone", .condition = condition_kind::process_gone, .ladder = {{action_kind::report}}}};

/// Plays one VM's engine; a VM that hangs does so on a dead target.
class engine_of : public testing::Test {
 protected:
  std::vector<std::string> step(double second, bool alive, bool responsive, const verdict* v) {
    const vm_view view{.vm = vm_,
                       .io = io_,
                       .now = at(second),
                       .alive = alive,
                       .talking = responsive,
                       .settled = responsive,
                       .stall = v};
    std::vector<std::string> lines;
    for (const auto& d : engine_.step(look_at(view))) lines.push_back(as_line(d));
    return lines;
  }
  look look_at(const vm_view& view) {
    return {.view = view, .vm_name = "web01", .policies = policies_, .frame = frame_, .of_host = host_};
  }
  std::vector<std::string> stalls(double second, std::optional<verdict> v = hung()) {
    return step(second, true, false, v ? &*v : nullptr);
  }
  std::vector<std::string> answers(double second) { return step(second, true, true, nullptr); }
  std::vector<std::string> ends(double second) {
    const auto gone = of(verdict_kind::gone);
    return step(second, false, false, &gone);
  }
  void step_is(step_outcome outcome, double second) {
    engine_.step_done("monitor-stall", outcome, at(second), host_);
  }
  void resume(std::size_t taken, std::size_t on_record) {
    engine_.resume(two_policies[0], "",
                   {.begun = std::vector<policies::step>(taken), .on_record = on_record});
  }

  std::vector<policy> policies_ = two_policies;
  engine engine_;
  vm_model vm_ = mirroring();
  io_health io_;
  step_budget host_;
  action_frame frame_{.allowed = authority::protect};
};

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
