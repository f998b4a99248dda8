// `unwedgectl list`, letter by letter.
#include "daemon/ctl/render.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>

namespace unwedge::ctl {
namespace {

using testing::HasSubstr;
using testing::Not;

view at_ten_past(std::size_t width = 0, bool colour = false) {
  return {width, colour, parse_time("2026-11-22T22:10:04.200Z").value()};
}

boost::json::array fleet() {
  return boost::json::parse(R"([
    {"name":"db01","uuid":"u1","pid":11,"state":"healthy","since":"2026-11-22T20:05:00.000Z","authority":"observe",
     "qmp":{"connected":true,"oob":false,"version":"7.2.0","last_reply_ms":200},"run_state":"running",
     "migration":null,"jobs":[],"verdict":null,"suspicion":null,"incident":null},
    {"name":"web01","uuid":"u2","pid":12,"state":"stalled","since":"2026-11-22T22:10:00.000Z","authority":"protect",
     "qmp":{"connected":true,"oob":true,"version":"7.2.0","last_reply_ms":4210},"run_state":"running",
     "migration":{"status":"active","ram":{"total":1000,"remaining":250}},
     "jobs":[{"id":"m0","type":"mirror","status":"running","offset":41,"len":100}],
     "verdict":{"kind":"bql-held","root":{"type":"block-node","name":"tgt","peer":"10.0.0.7:10809"},
       "holder":{"tid":4711,"comm":"mig/src/main"},"since":"2026-11-22T22:10:00.000Z","at":"2026-11-22T22:10:03.000Z",
       "sentence":"The main loop waits for the BQL, held by mig/src/main, which polls for NBD node \"tgt\" (10.0.0.7:10809), silent for 6.1 s.",
       "reasons":[]},
     "suspicion":null,"incident":"web01-20261122-221003"},
    {"name":"old","uuid":"u3","pid":13,"state":"gone","since":"2026-11-20T18:00:00.000Z","authority":"observe",
     "qmp":{"connected":false,"oob":false,"version":null,"last_reply_ms":null},"run_state":"",
     "migration":null,"jobs":[],"verdict":null,"suspicion":null,"incident":null}])")
      .as_array();
}

TEST(list, shows_those_in_trouble_first_with_the_verdict_below) {
  EXPECT_EQ(render_list(fleet(), at_ten_past()),
            R"(NAME   STATE    SINCE      RUN-STATE  MIGRATION    JOBS     MONITOR                  AUTHORITY
web01  stalled  4.2 s      running    active 75 %  m0 41 %  4.2 s ago, oob           protect
  The main loop waits for the BQL, held by mig/src/main, which polls for NBD node "tgt"
  (10.0.0.7:10809), silent for 6.1 s. Incident web01-20261122-221003.
old    gone     2 d 4 h    -          -            -        not connected            observe
db01   healthy  2 h 5 min  running    -            -        0.2 s ago, in-band only  observe

3 VMs: 1 stalled, 1 gone, 1 healthy
)");
}

TEST(list, says_that_the_host_is_starved_and_everything_held) {
  auto starved = fleet();
  EXPECT_THAT(render_list(starved, at_ten_past()), Not(HasSubstr("host")));
  for (auto& vm : starved) vm.as_object()["host_starved"] = "unwedged itself was late by 0.7 s";
  EXPECT_THAT(
      render_list(starved, at_ten_past()),
      HasSubstr("\nThe host is not well, so all actions are held: unwedged itself was late by 0.7 s.\n"));
}

TEST(list, fits_a_narrow_terminal) {
  auto const text = render_list(fleet(), at_ten_past(80));
  EXPECT_EQ(text, R"(NAME   STATE    SINCE      RUN-STATE  MIGRATION   JOBS     MONITOR     AUTHORITY
web01  stalled  4.2 s      running    active 75…  m0 41 %  4.2 s ago…  protect
  The main loop waits for the BQL, held by mig/src/main, which polls for NBD
  node "tgt" (10.0.0.7:10809), silent for 6.1 s. Incident web01-20261122-221003.
old    gone     2 d 4 h    -          -           -        not conne…  observe
db01   healthy  2 h 5 min  running    -           -        0.2 s ago…  observe

3 VMs: 1 stalled, 1 gone, 1 healthy
)");
}

TEST(list, without_vms_says_where_to_look) {
  EXPECT_EQ(render_list({}, at_ten_past()),
            "no VMs: none of the sockets in [discover] answered; see unwedgectl events\n");
}

TEST(list, colours_states_on_a_terminal_only) {
  EXPECT_THAT(render_list(fleet(), at_ten_past(120, true)), HasSubstr("\x1b[1;31mstalled\x1b[0m  "));
  EXPECT_THAT(render_list(fleet(), at_ten_past(120, false)), Not(HasSubstr("\x1b")));
}

TEST(list, lets_no_control_character_of_a_vm_through) {
  auto vms = fleet();
  auto& vm = vms[1].as_object();
  vm["name"] = "a\x1b[2J\x1b]0;title\x07\xc2\x9b\xe2\x80\xae\r\n\x7f";
  vm["run_state"] = "run\tning\xff";
  vm["verdict"].as_object()["sentence"] = "held by \x1b[31mevil\nline";
  auto const text = render_list(vms, at_ten_past());
  EXPECT_THAT(text, HasSubstr("a\uFFFD[2J\uFFFD]0;title\uFFFD\uFFFD\uFFFD  \uFFFD  stalled"));
  EXPECT_THAT(text, HasSubstr("run ning\uFFFD"));
  EXPECT_THAT(text, HasSubstr("  held by \uFFFD[31mevil line Incident"));
  for (char const c : text)
    EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20) << static_cast<int>(c);
}

TEST(list, bears_any_shape_of_json) {
  auto const odd =
      boost::json::parse(R"([1, null, {}, {"name":7,"state":[],"qmp":[],"jobs":[null,3,{}],"verdict":"x",
    "migration":{"status":null},"since":"2026-99-22T22:10:00Z"},
    {"name":"n","state":"paused?","qmp":{"connected":true,"last_reply_ms":1e300},"jobs":[{"id":"j","offset":5,"len":0}]}])");
  EXPECT_EQ(render_list(odd.as_array(), at_ten_past()),
            R"(NAME  STATE    SINCE  RUN-STATE  MIGRATION  JOBS  MONITOR                    AUTHORITY
-     -        -      -          -          -     -                          -
-     -        -      -          -          -     -                          -
n     paused?  -      -          -          j     37037 d ago, in-band only  -

3 VMs: -
)");
}

}  // namespace
}  // namespace unwedge::ctl
