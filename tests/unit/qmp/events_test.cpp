#include "tests/peer/script.hpp"
#include "tests/unit/qmp/protocol_fixture.hpp"

namespace unwedge::tests {
namespace {

using namespace std::chrono_literals;
using qmp::errc;

class events : public protocol_fixture {
 protected:
  qmp::protocol ready(qmp::limits limits = {}) { return fresh(limits); }
  void negotiate(qmp::protocol& p) {
    ASSERT_EQ(code(p, greeting() + R"({"return": {}, "id": "u0"})"), std::nullopt);
    seen.told.clear();
  }
};

TEST_F(events, arrive_with_name_data_and_timestamp) {
  auto p = ready();
  negotiate(p);
  ASSERT_EQ(code(p, event("JOB_STATUS_CHANGE", R"({"status": "ready", "id": "m0"})") + event("STOP")),
            std::nullopt);
  EXPECT_EQ(seen.told, (std::vector<std::string>{R"(event JOB_STATUS_CHANGE {"status":"ready","id":"m0"})",
                                                 "event STOP {}"}));
  EXPECT_EQ(seen.stamps[0], 1732300000'250000us);
}

TEST_F(events, that_nobody_knows_are_passed_on_all_the_same) {
  auto p = ready();
  negotiate(p);
  ASSERT_EQ(code(p, R"({"event": "X_NEW", "data": [1], "more": {}})"), std::nullopt);
  EXPECT_EQ(seen.told, std::vector<std::string>{"event X_NEW {}"});
  EXPECT_EQ(seen.stamps[0], 0us);
}

TEST_F(events, with_a_hostile_timestamp_do_no_harm) {
  auto p = ready();
  negotiate(p);
  for (const std::string stamp :
       {R"({"seconds": 9223372036854775807, "microseconds": 9223372036854775807})",
        R"({"seconds": -9223372036854775808, "microseconds": -9223372036854775808})",
        R"({"seconds": 18446744073709551615, "microseconds": 1e300})",
        R"({"seconds": "1", "microseconds": [1]})", "5", "[]", "{}",
        R"({"seconds": -1, "microseconds": -1})"}) {
    ASSERT_EQ(code(p, R"({"event": "STOP", "timestamp": )" + stamp + "}"), std::nullopt) << stamp;
    EXPECT_GE(seen.stamps.back(), 0us) << stamp;
  }
  EXPECT_EQ(seen.stamps.size(), 8u);
  EXPECT_EQ(seen.stamps.back(), 0us);
}

TEST_F(events, may_come_in_a_burst_but_not_flood) {
  auto p = ready({.events_per_second = 10, .event_burst = 3});
  negotiate(p);
  EXPECT_EQ(code(p, event("A") + event("B") + event("C")), std::nullopt);
  const auto why = give(p, event("D"));
  ASSERT_TRUE(why);
  EXPECT_EQ(why->code, errc::event_flood);
  EXPECT_EQ(to_string(*why), "event flood: more than 10 a second");
  EXPECT_EQ(seen.told.size(), 3u);
}

TEST_F(events, may_come_at_the_allowed_rate_for_ever) {
  auto p = ready({.events_per_second = 10, .event_burst = 3});
  negotiate(p);
  for (int i = 0; i < 1000; ++i) {
    now += 100ms;
    ASSERT_EQ(code(p, event("A")), std::nullopt) << i;
  }
  now += 1h;  // saves up no more than a burst
  EXPECT_EQ(code(p, event("A") + event("B") + event("C")), std::nullopt);
  EXPECT_EQ(code(p, event("D")), errc::event_flood);
}

TEST_F(events, above_the_allowed_rate_end_the_connection) {
  auto p = ready({.events_per_second = 10, .event_burst = 3});
  negotiate(p);
  int taken = 0;
  while (taken < 1000 && code(p, event("A")) == std::nullopt) {
    ++taken;
    now += 90ms;  // 11.1 a second: the burst of 3 lasts for about 20 of them
  }
  EXPECT_GE(taken, 15);
  EXPECT_LE(taken, 30);
}

TEST_F(events, are_not_the_only_way_to_flood) {
  for (const std::string junk : {R"({"return": {}, "id": "x"})", R"({"junk": 1})", R"({"event": 1})"}) {
    auto p = ready({.events_per_second = 10, .event_burst = 3});
    negotiate(p);
    EXPECT_EQ(code(p, junk + junk + junk), std::nullopt) << junk;
    EXPECT_EQ(code(p, junk), errc::event_flood) << junk;
  }
  auto p = ready({.events_per_second = 10, .event_burst = 3});
  EXPECT_EQ(code(p, event("A") + event("A") + event("A") + event("A")), errc::event_flood)
      << "before the greeting";
}

TEST_F(events, leave_room_for_replies_which_are_not_counted) {
  auto p = ready({.events_per_second = 10, .event_burst = 1});
  negotiate(p);
  for (int i = 1; i <= 100; ++i) {
    std::string out;
    ASSERT_TRUE(p.send({"query-status"}, out));
    ASSERT_EQ(code(p, fmt::format(R"({{"return": {{}}, "id": "u{}"}})", i)), std::nullopt) << i;
  }
}

}  // namespace
}  // namespace unwedge::tests
