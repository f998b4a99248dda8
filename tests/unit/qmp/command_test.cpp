#include "tests/unit/qmp/session_fixture.hpp"

#include <boost/asio/socket_base.hpp>

namespace unwedge::tests {
namespace {

using qmp::errc;

class commands_of_a_session : public session_fixture {};

qmp::command with_argument(std::size_t bytes) {
  return {"big", {{"text", std::string(bytes, 'x')}}};
}

TEST_F(commands_of_a_session, bring_back_what_the_peer_returns) {
  start(handshake() + script{expect{"query-status"}, reply{R"({"status": "running"})"}});
  ASSERT_TRUE(until_ready());
  const auto status = ask(qmp::query_status());
  ASSERT_TRUE(until([&] { return status->has_value(); }));
  ASSERT_TRUE(**status) << to_string((*status)->error());
  EXPECT_EQ((**status)->at("status"), "running");
  EXPECT_EQ(seen.replies.size(), 1u);
  EXPECT_EQ(session->outstanding(), 0u);
}

TEST_F(commands_of_a_session, bring_back_a_refusal) {
  start(handshake() + script{expect{"query-status"}, refuse{"CommandNotFound", "no such command"}});
  ASSERT_TRUE(until_ready());
  const auto status = ask(qmp::query_status());
  ASSERT_TRUE(until([&] { return status->has_value(); }));
  EXPECT_EQ(to_string((*status)->error()), "refused: CommandNotFound: no such command");
  EXPECT_EQ((*status)->error().server->error_class, "CommandNotFound");
}

TEST_F(commands_of_a_session, are_sent_out_of_band_when_they_say_so) {
  start(handshake() +
        script{expect{"query-status"}, expect{"query-yank"}, reply{"[]"}, reply{"{}", "query-status"}});
  ASSERT_TRUE(until_ready());
  const auto status = ask(qmp::query_status());
  const auto yank = ask(qmp::query_yank());
  ASSERT_TRUE(until([&] { return yank->has_value(); }));
  EXPECT_FALSE(status->has_value());
  ASSERT_TRUE(until([&] { return status->has_value(); }));
  EXPECT_FALSE(peer->received()[1].out_of_band);
  EXPECT_TRUE(peer->received()[2].out_of_band);
}

TEST_F(commands_of_a_session, time_out_when_they_are_never_answered) {
  start(handshake() + script{expect{"query-status"}});
  ASSERT_TRUE(until_ready());
  const auto status = ask(qmp::query_status(), 10ms);
  ASSERT_TRUE(until([&] { return status->has_value(); }));
  EXPECT_EQ((*status)->error().code, errc::timed_out);
  EXPECT_EQ(to_string((*status)->error()), "timed out: query-status");
  EXPECT_EQ(session->outstanding(), 1u) << "it may still run";
  EXPECT_TRUE(session->is_ready());
}

TEST_F(commands_of_a_session, that_are_answered_late_reach_the_observer_and_free_their_place) {
  start(handshake() +
        script{expect{"query-status"}, expect{"query-yank"}, reply{}, reply{"1", "query-status"}});
  ASSERT_TRUE(until_ready());
  const auto status = ask(qmp::query_status(), 10ms);
  ASSERT_TRUE(until([&] { return status->has_value(); }));
  ASSERT_EQ((*status)->error().code, errc::timed_out);
  EXPECT_TRUE(session->in_band_outstanding());
  ASSERT_TRUE(session->post(qmp::query_yank()));
  ASSERT_TRUE(until([this] { return seen.replies.size() == 2; }));
  EXPECT_TRUE(seen.replies[1].ends_with(" 1"));
  EXPECT_EQ(session->outstanding(), 0u);
  EXPECT_FALSE(session->in_band_outstanding());
}

TEST_F(commands_of_a_session, are_not_answered_by_a_reply_to_someone_else) {
  start(handshake() +
        script{expect{"query-status"}, reply_as{"\"libvirt-17\""}, reply_as{"1"}, reply_as{"{}"}});
  ASSERT_TRUE(until_ready());
  const auto status = ask(qmp::query_status(), 20ms);
  ASSERT_TRUE(until([&] { return status->has_value(); }));
  EXPECT_EQ((*status)->error().code, errc::timed_out);
  EXPECT_TRUE(until([this] { return session->counters().foreign_replies == 3; }));
  EXPECT_TRUE(seen.replies.empty());
}

TEST_F(commands_of_a_session, are_refused_from_the_fifth_unanswered_on) {
  start(handshake() + script{expect{"query-status"}, expect{"query-jobs"}, expect{"query-name"},
                             expect{"query-yank"}, reply{"{}", "query-jobs"}, expect{"query-uuid"}});
  ASSERT_TRUE(until_ready());
  ASSERT_TRUE(session->post(qmp::query_status()));
  ASSERT_TRUE(session->post(qmp::query_jobs()));
  ASSERT_TRUE(session->post(qmp::query_name()));
  ASSERT_TRUE(session->post(qmp::query_yank()));
  const auto fifth = session->post(qmp::query_uuid());
  ASSERT_FALSE(fifth);
  EXPECT_EQ(to_string(fifth.error()), "too many unanswered commands: query-uuid");
  const auto waited = ask(qmp::query_uuid());
  ASSERT_TRUE(until([&] { return waited->has_value(); }));
  EXPECT_EQ((*waited)->error().code, errc::too_many);
  ASSERT_TRUE(until([this] { return session->outstanding() == 3; }));
  EXPECT_TRUE(session->post(qmp::query_uuid()));
  EXPECT_TRUE(until([this] { return peer->steps_played() == 9; }));
}

TEST_F(commands_of_a_session, end_it_when_the_peer_does_not_read) {
  peer.emplace(io, handshake() + script{go_silent{}});
  auto ours = peer->connected();
  ours.set_option(asio::socket_base::send_buffer_size(4608));
  start_on(std::move(ours));
  ASSERT_TRUE(until([this] { return peer->steps_played() == 4 && session->is_ready(); }));
  const auto waiting = ask(qmp::query_status());
  settle();
  const auto id = session->post(with_argument(1'000'000));
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code, errc::would_block);
  EXPECT_FALSE(session->is_ready());
  EXPECT_EQ(session->post(qmp::query_status()).error().code, errc::closed);
  EXPECT_EQ(until_ended(), errc::would_block);
  EXPECT_EQ(to_string(*ended), "peer does not read: its socket buffer is full");
  ASSERT_TRUE(until([&] { return waiting->has_value(); }));
  EXPECT_EQ((*waiting)->error().code, errc::would_block);
}

/// A dying QEMU's last events must not be lost because a probe of ours met the closed socket first.
TEST_F(commands_of_a_session, that_meet_a_closed_socket_do_not_lose_the_last_words) {
  start(handshake());
  ASSERT_TRUE(until_ready());
  ASSERT_TRUE(peer->inject(event("SHUTDOWN", R"({"guest": false})")));
  peer->hang_up_now();
  EXPECT_EQ(session->post(qmp::query_status()).error().code, errc::closed);
  EXPECT_EQ(until_ended(), errc::closed);
  EXPECT_EQ(seen.events, std::vector<std::string>{R"(SHUTDOWN {"guest":false})"});
}

/// The same from within the handling of its last reply: nobody waits for the socket just then.
TEST_F(commands_of_a_session, that_meet_a_closed_socket_within_a_reply_do_not_lose_the_last_words) {
  start(handshake() + script{expect{"query-status"}, reply{}});
  ASSERT_TRUE(until_ready());
  seen.when_reply = [this] {
    ASSERT_TRUE(peer->inject(event("SHUTDOWN", R"({"guest": false})")));
    peer->hang_up_now();
    EXPECT_EQ(session->post(qmp::query_jobs()).error().code, errc::closed);
  };
  ASSERT_TRUE(session->post(qmp::query_status()));
  EXPECT_EQ(until_ended(), errc::closed);
  EXPECT_EQ(seen.events, std::vector<std::string>{R"(SHUTDOWN {"guest":false})"});
}

TEST_F(commands_of_a_session, keep_their_answer_when_the_connection_ends_right_behind_it) {
  start(handshake() + script{expect{"query-status"}, reply{"1"}, hang_up{}});
  ASSERT_TRUE(until_ready());
  const auto status = ask(qmp::query_status());
  ASSERT_TRUE(until([&] { return status->has_value(); }));
  EXPECT_TRUE((*status)->has_value());
  EXPECT_EQ(until_ended(), errc::closed);
}

TEST_F(commands_of_a_session, keep_their_answer_when_garbage_follows_in_the_same_read) {
  peer.emplace(io, handshake() + script{expect{"query-status"}});
  start_on(peer->connected());
  ASSERT_TRUE(until_ready());
  const auto status = ask(qmp::query_status());
  ASSERT_TRUE(until([this] { return peer->steps_played() == 4; }));
  ASSERT_TRUE(peer->inject(R"({"return": 1, "id": )" + peer->received().back().id + "} garbage"));
  EXPECT_EQ(until_ended(), errc::garbage);
  ASSERT_TRUE(until([&] { return status->has_value(); }));
  EXPECT_TRUE((*status)->has_value());
}

TEST_F(commands_of_a_session, are_refused_before_it_is_ready) {
  start({});
  EXPECT_EQ(session->post(qmp::query_status()).error().code, errc::not_negotiated);
  const auto status = ask(qmp::query_status());
  ASSERT_TRUE(until([&] { return status->has_value(); }));
  EXPECT_EQ((*status)->error().code, errc::not_negotiated);
}

}  // namespace
}  // namespace unwedge::tests
