// The other forms that people read: show, incidents, events; and the words and widths that they are made of.
#include "daemon/ctl/render.hpp"

#include "daemon/ctl/json_text.hpp"
#include "daemon/ctl/printable.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>

namespace unwedge::ctl {
namespace {

using namespace std::chrono_literals;
using boost::json::parse;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

view now(std::size_t width = 0) {
  return {width, false, parse_time("2026-11-22T22:10:04.200Z").value()};
}

boost::json::object stalled_vm() {
  return parse(
             R"({"name":"web01","uuid":"6a1c0c0e-0000","pid":4711,"state":"stalled","since":"2026-11-22T22:10:00.000Z",
    "authority":"protect","qmp":{"connected":true,"oob":true,"version":"7.2.0","last_reply_ms":4200},
    "run_state":"running","migration":{"status":"active"},
    "jobs":[{"id":"m0","type":"mirror","status":"running","offset":41,"len":100}],
    "verdict":{"kind":"bql-held","since":"2026-11-22T22:10:00.000Z","sentence":"The main loop waits for the BQL.",
      "reasons":["thread 4711 waits for futex 0x1","mig/src/main owns it"]},
    "incident":"web01-20261122-221003","nodes":[{"name":"tgt","driver":"nbd","peer":"10.0.0.7:10809"}],
    "events":[{"at":"2026-11-22T22:09:00.123Z","name":"JOB_STATUS_CHANGE","data":{"id":"m0","status":"running"}}]})")
      .as_object();
}

TEST(show, tells_all_that_is_known) {
  EXPECT_EQ(render_vm(stalled_vm(), now()), R"(web01  stalled for 4.2 s
  run state  running
  monitor    connected, out-of-band, last reply 4.2 s ago, QEMU 7.2.0
  migration  active
  authority  protect
  process    4711
  uuid       6a1c0c0e-0000
  incident   web01-20261122-221003

Verdict  bql-held, stalled since 2026-11-22 22:10:00
  The main loop waits for the BQL.
  - thread 4711 waits for futex 0x1
  - mig/src/main owns it

Jobs
ID  TYPE    STATUS   DONE
m0  mirror  running  41 %

Block nodes
NAME  DRIVER  PEER
tgt   nbd     10.0.0.7:10809

Last events (UTC)
AT                   NAME               DATA
2026-11-22 22:09:00  JOB_STATUS_CHANGE  id=m0, status=running
)");
}

TEST(show, of_a_suspect_tells_the_suspicion) {
  auto vm = stalled_vm();
  vm["verdict"] = nullptr;
  vm["suspicion"] =
      parse(R"({"since":"2026-11-22T22:10:03.000Z","sentence":"query-status unanswered for 1.2 s."})");
  EXPECT_THAT(render_vm(vm, now()),
              HasSubstr("\nSuspicion  for 1.2 s\n  query-status unanswered for 1.2 s.\n"));
}

boost::json::object incident() {
  return parse(R"({"id":"web01-20261122-221003","vm":"web01","pid":4711,"condition":"monitor-stalled",
    "opened":"2026-11-22T22:10:00.000Z","closed":"2026-11-22T22:10:04.100Z","outcome":"recovered",
    "verdict":{"kind":"bql-held","sentence":"The main loop waits for the BQL.","reasons":[]},
    "steps":[{"at":"2026-11-22T22:10:03.500Z","action":"yank","arguments":{"type":"block-node","node-name":"tgt"},
              "authority":"protect","result":"done","took_ms":12},
             {"at":"2026-11-22T22:10:03.600Z","action":"verify","arguments":{},"authority":"observe","result":"",
              "took_ms":null}]})")
      .as_object();
}

TEST(incident, tells_every_step_and_what_came_of_it) {
  EXPECT_EQ(render_incident(incident(), now()), R"(web01-20261122-221003  monitor-stalled  recovered
  VM web01, process 4711
  2026-11-22 22:10:00 UTC (4.2 s ago), lasted 4.1 s

Verdict  bql-held
  The main loop waits for the BQL.

Steps
AT      ACTION  ARGUMENTS                       AUTHORITY  TOOK   RESULT
+3.5 s  yank    type=block-node, node-name=tgt  protect    12 ms  done
+3.6 s  verify  -                               observe    -      under way
)");
}

TEST(incidents, are_one_row_each) {
  auto open = incident();
  open["closed"] = nullptr;
  open["outcome"] = "open";
  EXPECT_EQ(
      render_incidents({incident(), open}, now()),
      R"(ID                     VM     CONDITION        VERDICT   OPENED (UTC)         LASTED        OUTCOME
web01-20261122-221003  web01  monitor-stalled  bql-held  2026-11-22 22:10:00  4.1 s         recovered
web01-20261122-221003  web01  monitor-stalled  bql-held  2026-11-22 22:10:00  so far 4.2 s  open
)");
  EXPECT_EQ(render_incidents({}, now()), "no incidents\n");
}

TEST(events, keep_their_columns_and_wrap_beside_them) {
  auto const events = parse(R"([
    {"seq":1,"at":"2026-11-22T22:10:00.123Z","vm":"web01","type":"suspect","text":"query-status unanswered"},
    {"seq":2,"at":"2026-11-22T22:10:03Z","vm":"a-very-long-name-of-a-vm","type":"verdict",
     "text":"The main loop waits for the BQL, held by mig/src/main."}])");
  EXPECT_EQ(render_events(events.as_array(), now(90)),
            R"(TIME (UTC)               VM            EVENT         WHAT
2026-11-22 22:10:00.123  web01         suspect       query-status unanswered
2026-11-22 22:10:03.000  a-very-long-name-of-a-vm  verdict       The main loop waits for the BQL, held
                                                     by mig/src/main.
)");
  EXPECT_EQ(render_events({}, now()), "no events yet\n");
}

TEST(rendering, lets_no_hostile_text_through_anywhere) {
  boost::json::string const evil = "\x1b[31m\xc2\x9b\xe2\x80\xae\xff\r\n";
  boost::json::object all{{"name", evil},    {"state", evil},  {"since", evil}, {"id", evil},
                          {"vm", evil},      {"at", evil},     {"type", evil},  {"text", evil},
                          {"outcome", evil}, {"opened", evil}, {"closed", evil}};
  all["verdict"] = {{"kind", evil}, {"sentence", evil}, {"since", evil}, {"reasons", {evil, {{evil, evil}}}}};
  all["guard"] = all["policy"] = all["subject"] = all["why"] = evil;
  all["hold"] = {{"until", evil}, {"reason", evil}};
  all["conditions"] = {
      {{"condition", evil}, {"subject", evil}, {"state", evil}, {"since", evil}, {"why", evil}},
      {{"condition", evil}, {"subject", evil}}};
  all["jobs"] = {{{"id", evil}, {"type", {{evil, evil}}}}};
  all["steps"] = {
      {{"at", evil}, {"action", evil}, {"arguments", {{evil, {{evil, {evil}}}}}}, {"result", evil}}};
  all["nodes"] = all["events"] = {{{"name", evil}, {"at", evil}, {"data", {{evil, evil}}}}};
  auto unjudged = all;  // its conditions are told
  unjudged["verdict"] = nullptr;
  auto const text = render_list({unjudged}, now()) + render_vm(all, now()) + render_incident(all, now()) +
                    render_incidents({all}, now()) + render_event(all, now(100)) +
                    render_list({all}, now(80)) + brief(all) + compact(all) + pretty(all);
  for (std::string_view const bad : {"\x1b", "\xc2\x9b", "\xe2\x80\xae", "\xff", "\r"}) {
    EXPECT_THAT(text, Not(HasSubstr(bad)));
  }
}

TEST(json_output, is_the_same_json_with_its_controls_escaped) {
  auto const value = parse(R"({"a":[1,-2,3.5,true,null],"name":"x\u001b\u009b\u202e\"é","empty":[],"o":{}})");
  EXPECT_EQ(compact(value),
            R"({"a":[1,-2,3.5,true,null],"name":"x\u001b\u009b\u202e\"é","empty":[],"o":{}})");
  EXPECT_EQ(parse(compact(value)), value);
  EXPECT_EQ(pretty(parse(R"({"a":[1,{}],"b":"x"})")),
            "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": \"x\"\n}");
}

TEST(words, say_durations_as_people_do) {
  EXPECT_EQ(in_words(12ms), "12 ms");
  EXPECT_EQ(in_words(4'299ms), "4.2 s");
  EXPECT_EQ(in_words(59'999ms), "59 s");
  EXPECT_EQ(in_words(3min + 59s), "3 min");
  EXPECT_EQ(in_words(2h + 5min), "2 h 5 min");
  EXPECT_EQ(in_words(24h), "1 d");
  EXPECT_EQ(in_words(-5s), "0 ms");
}

TEST(words, read_times_and_nothing_else) {
  EXPECT_EQ(parse_time("1970-01-01T00:00:01.5Z")->time_since_epoch(), 1500ms);
  EXPECT_EQ(parse_time("2000-02-29T23:59:59Z")->time_since_epoch(), 951868799s);
  for (auto const bad :
       {"", "2026-11-22", "2026-02-30T00:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T22:10:00+01:00",
        "9999-11-22T22:10:00Z", "2026-11-22T22:10:00.Z", "2026-11-22T22:10:00.xZ"}) {
    EXPECT_FALSE(parse_time(bad)) << bad;
  }
}

TEST(text_width, counts_columns_not_bytes) {
  EXPECT_EQ(width_of("é"), 1u);
  EXPECT_EQ(width_of("e\u0301"), 1u);
  EXPECT_EQ(width_of("漢字"), 4u);
  EXPECT_EQ(fit("漢字漢字", 5), "漢字…");
  EXPECT_EQ(fit("abc", 3), "abc");
  EXPECT_THAT(wrap("aa bb cccccccc d", 5), ElementsAre("aa bb", "ccccc", "ccc d"));
}

}  // namespace
}  // namespace unwedge::ctl
