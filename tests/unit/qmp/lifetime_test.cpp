#include "tests/unit/qmp/session_fixture.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include <stdexcept>

namespace unwedge::tests {
namespace {

using qmp::errc;

class life_of_a_session : public session_fixture {};

TEST_F(life_of_a_session, ends_when_its_owner_closes_it_in_any_phase) {
  for (const auto& steps : {script{}, script{say{greeting()}, expect{"qmp_capabilities"}}, handshake()}) {
    start(steps);
    ASSERT_TRUE(until([&] { return peer->steps_played() == steps.size(); }));
    settle();
    session->close();
    EXPECT_EQ(until_ended(), errc::cancelled);
    EXPECT_EQ(to_string(*ended), "cancelled");
    EXPECT_EQ(session->native_handle(), -1);
    EXPECT_EQ(session->post(qmp::query_status()).error().code, errc::closed);
  }
}

TEST_F(life_of_a_session, ends_when_it_is_closed_before_it_began) {
  start(handshake());
  session->close();
  session->close();
  EXPECT_EQ(until_ended(), errc::cancelled);
}

TEST_F(life_of_a_session, takes_those_who_wait_with_it_when_it_is_closed) {
  start(handshake() + script{expect{"query-status"}, expect{"query-jobs"}});
  ASSERT_TRUE(until_ready());
  const auto status = ask(qmp::query_status());
  const auto jobs = ask(qmp::query_jobs());
  ASSERT_TRUE(until([this] { return peer->steps_played() == 5; }));
  session->close();
  EXPECT_EQ(until_ended(), errc::cancelled);
  ASSERT_TRUE(until([&] { return status->has_value() && jobs->has_value(); }));
  EXPECT_EQ((*status)->error().code, errc::cancelled);
  EXPECT_EQ((*jobs)->error().code, errc::cancelled);
}

TEST_F(life_of_a_session, may_end_from_within_any_of_its_callbacks) {
  const auto all =
      handshake() + script{say{event("STOP") + event("RESUME")}, expect{"query-status"}, reply{}};
  const auto close = [this] {
    session->close();
    session.reset();
  };
  const std::function<void()> set_up[] = {
      [&] { seen.when_ready = close; },
      [&] { seen.when_event = [&](const std::string&) { close(); }; },
      [&] {
        seen.when_ready = [&] { static_cast<void>(session->post(qmp::query_status())); };
        seen.when_reply = close;
      },
  };
  for (const auto& each : set_up) {
    seen = {};
    each();
    start(all);
    EXPECT_EQ(until_ended(), errc::cancelled);
    EXPECT_EQ(session, nullptr);
    EXPECT_LE(seen.events.size(), 2u);
  }
}

TEST_F(life_of_a_session, is_silent_after_close_even_about_messages_of_the_same_read) {
  start(handshake());
  seen.when_event = [this](const std::string&) { session->close(); };
  ASSERT_TRUE(until_ready());
  ASSERT_TRUE(peer->inject(event("A") + event("B") + event("C")));
  EXPECT_EQ(until_ended(), errc::cancelled);
  EXPECT_EQ(seen.events, std::vector<std::string>{"A {}"});
}

TEST_F(life_of_a_session, allows_commands_from_within_its_callbacks) {
  std::shared_ptr<std::optional<answer>> asked;
  seen.when_ready = [this] { EXPECT_TRUE(session->post(qmp::query_status())); };
  seen.when_reply = [&] {
    if (seen.replies.size() == 1) asked = ask(qmp::query_jobs());
  };
  seen.when_event = [this](const std::string&) { EXPECT_TRUE(session->post(qmp::query_name())); };
  start(handshake() + script{expect{"query-status"}, reply{}, expect{"query-jobs"}, reply{"[]"},
                             say{event("STOP")}, expect{"query-name"}, reply{}});
  ASSERT_TRUE(until([this] { return seen.replies.size() == 3; }));
  EXPECT_TRUE(asked->has_value() && (*asked)->has_value());
}

TEST_F(life_of_a_session, survives_a_write_that_fails_within_a_callback) {
  start(handshake());
  ASSERT_TRUE(until_ready());
  seen.when_event = [this](const std::string&) { EXPECT_FALSE(session->post(qmp::query_status())); };
  ASSERT_TRUE(peer->inject(event("A") + event("B")));
  peer->hang_up_now();
  EXPECT_EQ(until_ended(), errc::closed);
  EXPECT_EQ(seen.events.size(), 2u);
}

TEST_F(life_of_a_session, ends_properly_when_a_callback_throws) {
  start(handshake() + script{expect{"query-status"}, say{event("STOP")}});
  ASSERT_TRUE(until_ready());
  seen.when_event = [](const std::string&) { throw std::runtime_error("a bug of ours"); };
  const auto status = ask(qmp::query_status());
  ASSERT_TRUE(until([this] { return ended.has_value(); }));
  EXPECT_TRUE(threw);
  ASSERT_TRUE(until([&] { return status->has_value(); }));
  EXPECT_EQ((*status)->error().code, errc::cancelled);
  EXPECT_EQ(session->native_handle(), -1);
}

TEST_F(life_of_a_session, ends_when_its_coroutine_is_cancelled) {
  peer.emplace(io, handshake() + script{expect{"query-status"}});
  session = std::make_shared<qmp::session>(peer->connected(), scratch, seen);
  asio::cancellation_signal stop;
  const auto stopped = [this](const std::exception_ptr& thrown, qmp::error why) {
    threw = thrown != nullptr;
    ended = std::move(why);
  };
  asio::co_spawn(io, qmp::run(session), asio::bind_cancellation_slot(stop.slot(), stopped));
  ASSERT_TRUE(until_ready());
  const auto status = ask(qmp::query_status());
  ASSERT_TRUE(until([this] { return peer->steps_played() == 4; }));
  stop.emit(asio::cancellation_type::terminal);
  EXPECT_EQ(until_ended(), errc::cancelled);
  EXPECT_FALSE(threw);
  ASSERT_TRUE(until([&] { return status->has_value(); }));
  EXPECT_EQ((*status)->error().code, errc::cancelled);
}

TEST_F(life_of_a_session, goes_on_when_one_who_waits_is_cancelled) {
  start(handshake() +
        script{expect{"query-status"}, expect{"query-jobs"}, reply{"{}", "query-status"}, reply{"[]"}});
  ASSERT_TRUE(until_ready());
  asio::cancellation_signal stop;
  std::optional<answer> got;
  asio::co_spawn(io, qmp::execute(session, qmp::query_status(), 10s),
                 asio::bind_cancellation_slot(stop.slot(), [&](const std::exception_ptr& thrown, answer a) {
                   threw = thrown != nullptr;
                   got = std::move(a);
                 }));
  ASSERT_TRUE(until([this] { return peer->steps_played() == 4; }));
  stop.emit(asio::cancellation_type::terminal);
  ASSERT_TRUE(until([&] { return got.has_value(); }));
  EXPECT_FALSE(threw);
  EXPECT_EQ(to_string(got->error()), "cancelled: query-status");
  const auto jobs = ask(qmp::query_jobs());
  ASSERT_TRUE(until([&] { return jobs->has_value(); }));
  EXPECT_TRUE(jobs->value()) << to_string(jobs->value().error());
  EXPECT_EQ(session->outstanding(), 0u);
}

/// Under asan: nothing of all this leaks, and nothing is touched after its end.
TEST_F(life_of_a_session, may_be_cut_short_by_the_end_of_the_io_context) {
  start(handshake() + script{expect{"query-status"}, expect{"query-jobs"}});
  ASSERT_TRUE(until_ready());
  const auto status = ask(qmp::query_status());
  const auto jobs = ask(qmp::query_jobs());
  ASSERT_TRUE(until([this] { return peer->steps_played() == 5; }));
  const std::weak_ptr<qmp::session> watched = session;
  session.reset();
  peer.reset();
  context.reset();
  EXPECT_TRUE(watched.expired());
  EXPECT_FALSE(status->has_value());
  EXPECT_FALSE(ended);
}

TEST_F(life_of_a_session, leaves_nothing_when_it_never_ran) {
  peer.emplace(io, script{});
  session = std::make_shared<qmp::session>(peer->connected(), scratch, seen);
  EXPECT_EQ(session->post(qmp::query_status()).error().code, errc::not_negotiated);
  session.reset();
}

}  // namespace
}  // namespace unwedge::tests
