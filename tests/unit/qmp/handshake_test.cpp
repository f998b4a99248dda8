#include "tests/unit/qmp/session_fixture.hpp"

namespace unwedge::tests {
namespace {

using qmp::errc;

class handshake_of_a_session : public session_fixture {};

TEST_F(handshake_of_a_session, ends_in_a_ready_session_with_out_of_band) {
  start(handshake());
  ASSERT_TRUE(until_ready());
  EXPECT_EQ(seen.greetings, 1);
  EXPECT_TRUE(seen.oob);
  EXPECT_EQ(to_string(seen.hello->version), "7.2.22");
  EXPECT_EQ(session->outstanding(), 0u);
}

TEST_F(handshake_of_a_session, ends_in_a_ready_session_without_out_of_band) {
  start(handshake(false));
  ASSERT_TRUE(until_ready());
  EXPECT_FALSE(seen.oob);
  EXPECT_EQ(session->post(qmp::query_yank()).error().code, errc::no_oob);
  EXPECT_TRUE(session->is_ready());
}

TEST_F(handshake_of_a_session, takes_a_greeting_byte_by_byte) {
  start({say_in_pieces{greeting()}, expect{"qmp_capabilities"}, reply{}});
  EXPECT_TRUE(until_ready());
}

TEST_F(handshake_of_a_session, is_given_up_when_the_peer_never_greets) {
  start({}, {}, {.greeting = 20ms});
  EXPECT_EQ(until_ended(), errc::no_greeting);
  EXPECT_EQ(to_string(*ended),
            "no greeting: connected, but silent: another client holds this monitor, or QEMU does not run");
}

TEST_F(handshake_of_a_session, is_given_up_when_half_a_greeting_comes) {
  start({say{greeting().substr(0, 40)}}, {}, {.greeting = 20ms});
  EXPECT_EQ(until_ended(), errc::no_greeting);
}

TEST_F(handshake_of_a_session, is_given_up_when_anything_but_a_greeting_comes) {
  start({say{event("STOP") + R"({"return": {}, "id": 1})"}}, {}, {.greeting = 20ms});
  EXPECT_EQ(until_ended(), errc::no_greeting);
  EXPECT_TRUE(seen.events.empty());
}

TEST_F(handshake_of_a_session, is_given_up_when_the_capabilities_are_not_answered) {
  start({say{greeting()}, expect{"qmp_capabilities"}}, {}, {.capabilities = 20ms});
  EXPECT_EQ(until_ended(), errc::not_negotiated);
  EXPECT_EQ(seen.greetings, 1);
  EXPECT_EQ(to_string(*ended),
            "capabilities not negotiated: greeted, but qmp_capabilities is not answered: the main loop does "
            "not run");
}

TEST_F(handshake_of_a_session, ends_when_the_capabilities_are_refused) {
  start(
      {say{greeting()}, expect{"qmp_capabilities"}, refuse{"GenericError", "Capability oob not available"}});
  EXPECT_EQ(until_ended(), errc::refused);
  EXPECT_EQ(to_string(*ended), "refused: qmp_capabilities: GenericError: Capability oob not available");
}

TEST_F(handshake_of_a_session, waits_for_the_reply_with_the_right_id) {
  start({say{greeting()}, expect{"qmp_capabilities"}, reply_as{"\"u0\""}, reply_as{"7"}, reply_as{"null"}},
        {}, {.capabilities = 20ms});
  EXPECT_EQ(until_ended(), errc::not_negotiated);
}

TEST_F(handshake_of_a_session, counts_a_greeting_that_lay_there_when_the_deadline_passed) {
  start({expect{"qmp_capabilities"}}, {}, {.greeting = 0ms});
  ASSERT_TRUE(peer->inject(greeting()));
  EXPECT_TRUE(until([this] { return seen.greetings == 1; }));
  settle();
  EXPECT_FALSE(ended) << to_string(*ended);
  EXPECT_EQ(session->at(), qmp::protocol::phase::negotiating);
}

TEST_F(handshake_of_a_session, has_no_deadline_once_it_is_done) {
  start(handshake() + script{delay{40ms}, say{event("STOP")}}, {}, {.greeting = 30ms, .capabilities = 30ms});
  if (!until_ready()) GTEST_SKIP() << "this host is too slow for a deadline of 30 ms";
  EXPECT_TRUE(until([this] { return seen.events.size() == 1; }));
  EXPECT_FALSE(ended);
}

TEST_F(handshake_of_a_session, ends_at_once_when_the_peer_speaks_another_protocol) {
  start({say{"SSH-2.0-OpenSSH_9.2\r\n"}});
  EXPECT_EQ(until_ended(), errc::garbage);
  EXPECT_EQ(to_string(*ended), "not QMP: a message that is no object: \"SSH-2.0-OpenSSH_9.2\\x0d\\x0a\"");
}

TEST_F(handshake_of_a_session, uses_ids_that_no_session_before_it_used) {
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    start(handshake() + script{expect{"query-status"}});
    ASSERT_TRUE(until_ready());
    ASSERT_TRUE(session->post(qmp::query_status()));
    ASSERT_TRUE(until([this] { return peer->steps_played() == 4; }));
    for (const auto& command : peer->received()) {
      EXPECT_EQ(std::ranges::find(ids, command.id), ids.end());
      ids.push_back(command.id);
    }
    session->close();
    until_ended();
  }
  EXPECT_EQ(ids.size(), 6u);
}

TEST_F(handshake_of_a_session, is_not_deceived_by_a_reply_that_comes_before_the_negotiation) {
  start({say{R"({"return": {}, "id": "u1"})" + greeting()}, expect{"qmp_capabilities"}, say{greeting()},
         reply{}});
  EXPECT_TRUE(until_ready());
  EXPECT_EQ(session->counters().foreign_replies, 1u);
  EXPECT_EQ(session->counters().unknown_messages, 1u);
}

}  // namespace
}  // namespace unwedge::tests
