// `unwedgectl policies`, letter by letter.
#include "daemon/ctl/render.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>

namespace unwedge::ctl {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr view pipe{};

boost::json::array in_force() {
  return boost::json::parse(R"([
    {"name":"dead-mirror","description":"A copy whose target does not answer is given up before it can hang the VM",
     "condition":"mirror-stalled","states":[],"match":{"names":[],"uuids":[]},"patience":"30 s",
     "ladder":[{"action":"yank-target","verify_within":"10 s"},{"action":"cancel-job","verify_within":"2.0 s"}],
     "authority":"protect","enabled":true,"dry_run":false,
     "budget":{"per_vm":3,"per_host":10,"window":"1 h 0 min"},"cooldown":"0.0 s","source":"built in",
     "matches":12,"incidents_open":1,"steps_done":4},
    {"name":"stuck-job","description":"Jobs of the web servers that nobody dismisses are dismissed.",
     "condition":"job-stuck","states":["concluded","pending"],"match":{"names":["web*","www"],"uuids":["6a1c0c0e"]},
     "patience":"10 min","ladder":[{"action":"report","verify_within":"2.0 s"},{"action":"dismiss-job","verify_within":"2.0 s"}],
     "authority":"rescue","enabled":true,"dry_run":true,"source":"/etc/unwedge/policies.d/stuck-job.toml",
     "matches":3,"incidents_open":0,"steps_done":0},
    {"name":"guest-io-stall","description":"","condition":"guest-io-stall","states":[],"match":{"names":[],"uuids":[]},
     "patience":"0.0 s","ladder":[{"action":"report","verify_within":"2.0 s"}],"authority":"protect",
     "enabled":false,"dry_run":false,"source":"built in","matches":12,"incidents_open":0,"steps_done":0},
    {"name":"switchover-guard","description":"","condition":"mirror-at-switchover","states":[],"match":{"names":[],"uuids":[]},
     "patience":"3.0 s","ladder":[{"action":"guard-switchover","verify_within":"2.0 s"}],"authority":"protect",
     "enabled":true,"dry_run":false,"source":"built in","matches":12,"incidents_open":0,"steps_done":31}])")
      .as_array();
}

TEST(policies, say_what_is_done_about_what_and_what_came_of_it) {
  EXPECT_EQ(
      render_policies(in_force(), pipe),
      R"(NAME              CONDITION             WHAT IT DOES                            PATIENCE  NEEDS    VMS  OPEN  STEPS
dead-mirror       mirror-stalled        yank-target (10 s), cancel-job (2.0 s)  30 s      protect  12   1     4
  A copy whose target does not answer is given up before it can hang the VM. Built in.
stuck-job         job-stuck             dry run: report, dismiss-job (2.0 s)    10 min    rescue   3    0     0
  Jobs of the web servers that nobody dismisses are dismissed. VMs: web*, www, 6a1c0c0e. States:
  concluded, pending. From /etc/unwedge/policies.d/stuck-job.toml
guest-io-stall    guest-io-stall        off: report                             -         -        12   0     0
  Built in.
switchover-guard  mirror-at-switchover  guard-switchover                        3.0 s     protect  12   0     31
  Built in.
)");
}

TEST(policies, in_a_narrow_terminal_say_what_they_do_below) {
  EXPECT_EQ(render_policies(in_force(), {.width = 60}),
            R"(NAME              PATIENCE  NEEDS    VMS  OPEN  STEPS
dead-mirror       30 s      protect  12   1     4
  mirror-stalled: yank-target (10 s), cancel-job (2.0 s)
  A copy whose target does not answer is given up before it
  can hang the VM. Built in.
stuck-job         10 min    rescue   3    0     0
  job-stuck: dry run: report, dismiss-job (2.0 s)
  Jobs of the web servers that nobody dismisses are
  dismissed. VMs: web*, www, 6a1c0c0e. States: concluded,
  pending. From /etc/unwedge/policies.d/stuck-job.toml
guest-io-stall    -         -        12   0     0
  guest-io-stall: off: report
  Built in.
switchover-guard  3.0 s     protect  12   0     31
  mirror-at-switchover: guard-switchover
  Built in.
)");
}

TEST(policies, are_in_one_line_each_as_soon_as_that_fits) {
  constexpr std::size_t wide = 115;
  EXPECT_EQ(render_policies(in_force(), {.width = wide}), render_policies(in_force(), pipe));
  EXPECT_THAT(render_policies(in_force(), {.width = wide - 1}), StartsWith("NAME              PATIENCE"));
}

TEST(policies, with_long_names_are_cut_to_a_narrow_terminal) {
  auto policies = in_force();
  policies.resize(1);
  policies[0].as_object()["name"] = "dead-mirrors-of-the-web-servers";
  EXPECT_THAT(render_policies(policies, {.width = 50}),
              StartsWith(R"(NAME           PATIENCE  NEEDS    VMS  OPEN  STEPS
dead-mirrors…  30 s      protect  12   1     4
)"));
}

TEST(policies, that_are_off_or_dry_stand_out_on_a_terminal) {
  auto const text = render_policies(in_force(), {.width = 120, .colour = true});
  EXPECT_THAT(text, HasSubstr("\x1b[33mdry run: report, dismiss-job (2.0 s)\x1b[0m"));
  EXPECT_THAT(text, HasSubstr("\x1b[2moff: report\x1b[0m"));
  EXPECT_THAT(render_policies(in_force(), pipe), Not(HasSubstr("\x1b")));
}

TEST(policies, with_open_incidents_stand_out_on_a_terminal) {
  auto policies = in_force();
  policies.resize(1);
  EXPECT_THAT(render_policies(policies, {.colour = true}), HasSubstr("\x1b[33m1\x1b[0m "));
  policies[0].as_object()["incidents_open"] = 0;
  EXPECT_THAT(render_policies(policies, {.colour = true}), Not(HasSubstr("\x1b[33m")));
}

TEST(policies, that_are_none_say_so) {
  EXPECT_EQ(render_policies({}, pipe), "no policies: nothing is done about any condition\n");
}

TEST(policies, bear_any_shape_of_json) {
  auto const odd = boost::json::parse(
      R"([1, null, {}, {"name":7,"ladder":[3,{},{"action":"yank-root"}],"match":[],"states":{},"matches":"x"},
          {"ladder":{},"match":{"names":[1,{}],"uuids":null},"states":["a"],"enabled":0,"source":""}])");
  EXPECT_EQ(render_policies(odd.as_array(), pipe),
            R"(NAME  CONDITION  WHAT IT DOES  PATIENCE  NEEDS  VMS  OPEN  STEPS
-     -          -             -         -      -    -     -
-     -          yank-root     -         -      -    -     -
-     -          -             -         -      -    -     -
  VMs: 1, . States: a.
)");
}

TEST(policies, let_no_control_character_through) {
  boost::json::string const evil = "\x1b[31m\xc2\x9b\xe2\x80\xae\xff\r\n";
  boost::json::object const policy{{"name", evil},
                                   {"description", evil},
                                   {"condition", evil},
                                   {"states", {evil}},
                                   {"match", {{"names", {evil}}, {"uuids", {evil}}}},
                                   {"patience", evil},
                                   {"ladder", {{{"action", evil}, {"verify_within", evil}}}},
                                   {"authority", evil},
                                   {"source", evil}};
  auto const text = render_policies({policy}, pipe) + render_policies({policy}, {.width = 40});
  for (std::string_view const bad : {"\x1b", "\xc2\x9b", "\xe2\x80\xae", "\xff", "\r"})
    EXPECT_THAT(text, Not(HasSubstr(bad)));
}

}  // namespace
}  // namespace unwedge::ctl
