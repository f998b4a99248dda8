// What holds of a VM and what keeps it from being acted on, as `list`, `show` and `incident` tell it.
#include "daemon/ctl/render.hpp"
#include "tests/unit/surface/time_zone.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>

namespace unwedge::ctl {
namespace {

using boost::json::parse;
using testing::HasSubstr;
using testing::Not;

class conditions : public testing::Test {
 protected:
  /// The row of web01, with these members changed, and what stands under it.
  std::string listed(const char* changed, std::size_t width = 0) {
    auto const all = render_list({vm_with(changed)}, at(width));
    auto const begin = all.find('\n') + 1;
    return all.substr(begin, all.find("\n\n") + 1 - begin);
  }

  std::string shown(const char* changed) { return render_vm(vm_with(changed), at(0)); }

  static boost::json::object vm_with(const char* changed) {
    auto vm =
        parse(R"({"name":"web01","state":"healthy","since":"2026-11-22T10:50:00.000Z","authority":"protect",
      "qmp":{"connected":true,"oob":true,"last_reply_ms":200},"run_state":"running","migration":null,"jobs":[],
      "verdict":null,"suspicion":null,"conditions":[],"guard":null,"hold":null,"incident":null})")
            .as_object();
    for (auto const& [key, value] : parse(changed).as_object()) vm[key] = value;
    return vm;
  }

  static view at(std::size_t width) {
    return {.width = width, .now = parse_time("2026-11-22T11:00:00Z").value()};
  }

  tests::in_cet zone_;
};

constexpr auto dead_mirror = R"("conditions":[{"condition":"mirror-stalled","subject":"m0","state":null,
  "since":"2026-11-22T10:59:48.000Z","why":"The target of job m0, node \"tgt\" (10.0.0.7:10809), has owed an answer for 12 s."}])";
constexpr auto held =
    R"("state":"held","hold":{"until":"2026-11-22T13:00:00.000Z","reason":"its storage moves"})";

std::string object(std::initializer_list<std::string> members) {
  std::string out;
  for (auto const& m : members) out += (out.empty() ? "{" : ",") + m;
  return out + "}";
}

constexpr auto healthy_row = "web01  healthy  10 min  running    -          -     0.2 s ago, oob  protect\n";
constexpr auto held_row = "web01  held   10 min  running    -          -     0.2 s ago, oob  protect\n";

TEST_F(conditions, leave_a_vm_without_any_its_one_line) {
  EXPECT_EQ(listed("{}"), healthy_row);
  EXPECT_EQ(listed(R"({"guard":"armed"})"), healthy_row);
  EXPECT_EQ(listed(R"j({"guard":"not armed (observed)"})j"), healthy_row);
}

TEST_F(conditions, are_explained_under_the_row_with_the_incident) {
  EXPECT_EQ(listed(object({dead_mirror, R"("incident":"web01-1")"}).c_str()),
            std::string(healthy_row) +
                "  The target of job m0, node \"tgt\" (10.0.0.7:10809), has owed an answer for 12 s. "
                "Incident web01-1.\n");
}

TEST_F(conditions, are_a_paragraph_each_with_the_guards_standing_last) {
  EXPECT_EQ(listed(R"({"guard":"holds the migration back until its mirrors are READY","conditions":[
      {"condition":"mirror-at-switchover","why":"A migration runs (active) while mirror m0 still copies."},
      {"condition":"job-stuck","subject":"b1","since":"2026-11-22T10:48:00.000Z","why":""}]})"),
            std::string(healthy_row) + R"(  A migration runs (active) while mirror m0 still copies.
  job-stuck b1 for 12 min.
  Switchover guard: holds the migration back until its mirrors are READY.
)");
}

TEST_F(conditions, beside_an_armed_guard_need_no_word_about_it) {
  EXPECT_THAT(listed(object({dead_mirror, R"("guard":"armed")"}).c_str()), Not(HasSubstr("guard")));
}

TEST_F(conditions, give_way_to_a_verdict) {
  auto const text = listed(object({dead_mirror, R"("state":"stalled","guard":"not armed yet")",
                                   R"("verdict":{"kind":"bql-held","sentence":"The main loop waits."})"})
                               .c_str());
  EXPECT_THAT(text, HasSubstr("\n  The main loop waits.\n"));
  EXPECT_THAT(text, Not(HasSubstr("has owed an answer")));
  EXPECT_THAT(text, Not(HasSubstr("guard")));
}

TEST_F(conditions, stand_beside_a_suspicion) {
  EXPECT_THAT(listed(object({dead_mirror, R"("suspicion":{"sentence":"No answer for 1.2 s."})"}).c_str()),
              HasSubstr("\n  No answer for 1.2 s.\n  The target of job m0"));
}

TEST_F(conditions, wrap_in_a_narrow_terminal) {
  EXPECT_THAT(
      listed(object({dead_mirror}).c_str(), 60),
      HasSubstr(
          "\n  The target of job m0, node \"tgt\" (10.0.0.7:10809), has\n  owed an answer for 12 s.\n"));
}

TEST_F(conditions, of_a_shown_vm_are_a_table_and_its_guard_a_line) {
  EXPECT_EQ(shown(object({dead_mirror, R"("guard":"armed")", held}).c_str()), R"(web01  held for 10 min
  run state  running
  monitor    connected, out-of-band, last reply 0.2 s ago
  authority  protect
  guard      armed
  held       until 14:00 CET by the operator: its storage moves

Conditions
CONDITION       SUBJECT  STATE  SINCE
mirror-stalled  m0       -      12 s
  The target of job m0, node "tgt" (10.0.0.7:10809), has owed an answer for 12 s.
)");
}

TEST_F(conditions, of_a_shown_vm_do_not_repeat_its_verdict) {
  auto const text = shown(R"({"verdict":{"kind":"bql-held","sentence":"The main loop waits."},"conditions":[
    {"condition":"monitor-stalled","state":"bql-held","since":"2026-11-22T10:59:48.000Z","why":"The main loop waits."}]})");
  EXPECT_THAT(text, HasSubstr("\nmonitor-stalled  -        bql-held  12 s\n"));
  EXPECT_EQ(text.find("The main loop waits."), text.rfind("The main loop waits."));
}

TEST_F(conditions, in_any_shape_are_borne) {
  auto const* odd = R"({"conditions":[1,null,{},{"condition":{},"why":7}],"guard":7,"hold":[]})";
  EXPECT_EQ(listed(odd), std::string(healthy_row) + "  - for -.\n  - for -.\n");
  EXPECT_THAT(shown(odd),
              HasSubstr("\nConditions\nCONDITION  SUBJECT  STATE  SINCE\n-          -        -      -\n"));
  EXPECT_EQ(listed(R"({"conditions":{}})"), healthy_row);
}

TEST_F(conditions, held_vm_says_until_when_and_why) {
  EXPECT_EQ(listed(object({held}).c_str()),
            std::string(held_row) + "  Held until 14:00 CET by the operator: its storage moves\n");
}

TEST_F(conditions, held_vm_that_hangs_says_both) {
  auto const text = listed(R"({"state":"stalled","hold":{"until":null,"reason":""},
                               "verdict":{"kind":"bql-held","sentence":"The main loop waits."}})");
  EXPECT_THAT(text, HasSubstr("\n  The main loop waits.\n  Held until released by the operator\n"));
}

TEST(incident_of_a_policy, says_which_about_what_and_why) {
  auto const incident =
      parse(R"({"id":"web01-1","vm":"web01","pid":4711,"condition":"mirror-stalled","policy":"dead-mirror",
    "subject":"m0","why":"The target of job m0 has owed an answer for 30 s.","opened":"2026-11-22T10:59:00.000Z",
    "closed":"2026-11-22T10:59:10.000Z","outcome":"recovered","verdict":null,"steps":[],"notes":[]})")
          .as_object();
  view const to{.now = parse_time("2026-11-22T11:00:00Z").value()};
  EXPECT_EQ(render_incident(incident, to), R"(web01-1  mirror-stalled  recovered
  VM web01, process 4711
  policy dead-mirror, about m0
  2026-11-22 10:59:00 UTC (1 min ago), lasted 10 s

Why
  The target of job m0 has owed an answer for 30 s.

Steps
  none was taken
)");
  EXPECT_THAT(render_incidents({incident}, to), HasSubstr("\nweb01-1  web01  mirror-stalled  -        2026"));
}

TEST(incident_of_a_policy, does_not_say_the_verdict_twice) {
  auto incident = parse(R"({"id":"web01-1","policy":"monitor-stall","subject":"","why":"The main loop waits.",
    "verdict":{"kind":"bql-held","sentence":"The main loop waits."}})")
                      .as_object();
  auto const once = render_incident(incident, {});
  EXPECT_THAT(once, HasSubstr("\n  policy monitor-stall\n"));
  EXPECT_THAT(once, Not(HasSubstr("\nWhy\n")));
  incident["verdict"].as_object()["sentence"] = "The main loop waits for another.";
  EXPECT_THAT(render_incident(incident, {}),
              HasSubstr("\nWhy\n  The main loop waits.\n\nVerdict  bql-held\n"));
}

}  // namespace
}  // namespace unwedge::ctl
