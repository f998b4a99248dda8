#include "tests/unit/qmp/session_fixture.hpp"

namespace unwedge::tests {
namespace {

using qmp::errc;

class a_session : public session_fixture {};

/// Everything that a session goes through: used whole, and cut off at every step.
script exchange() {
  return handshake() + script{say{event("RESUME")},
                              expect{"query-status"},
                              say_in_pieces{event("STOP"), 9},
                              expect{"query-yank"},
                              reply{"[]"},
                              reply{"{}", "query-status"},
                              say{event("SHUTDOWN")}};
}

TEST_F(a_session, ends_well_at_whatever_step_the_peer_leaves) {
  for (std::size_t steps = 0; steps <= exchange().size(); ++steps) {
    SCOPED_TRACE(steps);
    std::shared_ptr<std::optional<answer>> status;
    std::shared_ptr<std::optional<answer>> yank;
    seen = {};
    seen.when_ready = [&] {
      status = ask(qmp::query_status());
      yank = ask(qmp::query_yank());
    };
    start(cut_off_after(exchange(), steps));
    EXPECT_EQ(until_ended(), errc::closed);
    EXPECT_TRUE(to_string(*ended).starts_with("connection closed: ")) << to_string(*ended);
    EXPECT_EQ(peer->steps_played(), steps + 1);
    settle();
    EXPECT_EQ(seen.greetings, steps >= 1 ? 1 : 0);
    EXPECT_EQ(status != nullptr, steps >= 3);
    if (status != nullptr) {
      ASSERT_TRUE(status->has_value() && yank->has_value());
      EXPECT_EQ((*yank)->has_value(), steps >= 8);
      EXPECT_EQ((*status)->has_value(), steps >= 9);
      if (steps < 9) EXPECT_EQ((*status)->error().code, errc::closed);
    }
    EXPECT_EQ(seen.events.size(), (steps >= 4 ? 1u : 0u) + (steps >= 6 ? 1u : 0u) + (steps >= 10 ? 1u : 0u));
    EXPECT_EQ(peer->complaints(), std::vector<std::string>{});
  }
}

TEST_F(a_session, takes_the_whole_exchange_byte_by_byte) {
  script bytewise = exchange();
  for (auto& s : bytewise) {
    if (auto* said = std::get_if<say>(&s)) s = say_in_pieces{said->bytes};
  }
  seen.when_ready = [&] {
    static_cast<void>(session->post(qmp::query_status()));
    static_cast<void>(session->post(qmp::query_yank()));
  };
  start(bytewise);
  ASSERT_TRUE(until([this] { return seen.events.size() == 3; }));
  EXPECT_EQ(seen.events, (std::vector<std::string>{"RESUME {}", "STOP {}", "SHUTDOWN {}"}));
  EXPECT_EQ(seen.replies.size(), 2u);
}

TEST_F(a_session, cuts_off_a_peer_that_floods_it_with_events) {
  start(handshake() + script{flood{event("BLOCK_JOB_ERROR", R"({"device": "m0"})")}},
        {.events_per_second = 10, .event_burst = 50});
  EXPECT_EQ(until_ended(), errc::event_flood);
  EXPECT_EQ(to_string(*ended), "event flood: more than 10 a second");
  EXPECT_GE(seen.events.size(), 50u);
  EXPECT_LE(seen.events.size(), 500u);
}

TEST_F(a_session, does_not_keep_others_from_their_turn_while_a_peer_floods_it) {
  start(handshake() + script{flood{event("X"), 100'000'000}},
        {.events_per_second = 1e12, .event_burst = 1e12});
  ASSERT_TRUE(until_ready());
  int turns = 0;
  asio::steady_timer timer(io, 0ms);
  timer.async_wait([&](const boost::system::error_code&) { ++turns; });
  EXPECT_TRUE(until([&] { return turns == 1; }));
  EXPECT_FALSE(ended);
}

TEST_F(a_session, cuts_off_a_peer_that_sends_garbage) {
  start(handshake() + script{say{event("STOP") + "\x1b[2J{{{\n"}});
  EXPECT_EQ(until_ended(), errc::garbage);
  EXPECT_EQ(to_string(*ended).find('\x1b'), std::string::npos);
  EXPECT_EQ(seen.events.size(), 1u);
}

TEST_F(a_session, cuts_off_a_peer_whose_message_never_ends) {
  start(handshake() + script{say{R"({"return": ")"}, flood{std::string(10'000, 'x')}});
  EXPECT_EQ(until_ended(), errc::too_long);
  EXPECT_EQ(to_string(*ended), "message too long: more than 4194304 bytes");
}

TEST_F(a_session, cuts_off_a_peer_whose_message_is_too_deep) {
  start(handshake() + script{say{R"({"return": )"}, flood{"[[[[[[["}});
  EXPECT_EQ(until_ended(), errc::too_deep);
  EXPECT_EQ(to_string(*ended), "message nested too deep: more than 100 levels");
}

TEST_F(a_session, says_when_the_peer_has_gone) {
  start(handshake() + script{hang_up{}});
  EXPECT_EQ(until_ended(), errc::closed);
  EXPECT_EQ(to_string(*ended), "connection closed: by the peer");
}

TEST_F(a_session, takes_a_message_of_a_megabyte) {
  start(handshake() +
        script{expect{"query-named-block-nodes"}, reply{"\"" + std::string(1'000'000, 'x') + "\""}});
  ASSERT_TRUE(until_ready());
  const auto nodes = ask(qmp::query_named_block_nodes());
  ASSERT_TRUE(until([&] { return nodes->has_value(); }));
  ASSERT_TRUE(nodes->value()) << to_string(nodes->value().error());
  EXPECT_EQ(nodes->value()->get_string().size(), 1'000'000u);
}

}  // namespace
}  // namespace unwedge::tests
