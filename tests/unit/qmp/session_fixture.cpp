#include "tests/unit/qmp/session_fixture.hpp"

#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>

namespace unwedge::tests {

void session_record::on_ready(const qmp::greeting& g, bool with_oob) {
  hello = g;
  oob = with_oob;
  when_ready();
}

void session_record::on_event(const qmp::event& e) {
  events.push_back(fmt::format("{} {}", e.name, qmp::json::serialize(e.data)));
  when_event(std::string(e.name));
}

void session_record::on_reply(qmp::command_id id, const qmp::reply& r) {
  replies.push_back(fmt::format("{} {}", id, r ? qmp::json::serialize(**r) : to_string(r.error())));
  when_reply();
}

void session_fixture::start(script steps, qmp::limits limits, qmp::deadlines deadlines) {
  peer.emplace(io, std::move(steps));
  start_on(peer->connected(), limits, deadlines);
}

void session_fixture::start_on(qmp::socket s, qmp::limits limits, qmp::deadlines deadlines) {
  session = std::make_shared<qmp::session>(std::move(s), scratch, seen, limits, deadlines);
  watched_ = session;
  ended.reset();
  asio::co_spawn(io, qmp::run(session), [this](const std::exception_ptr& thrown, qmp::error why) {
    threw = thrown != nullptr;
    ended = std::move(why);
  });
}

bool session_fixture::until(const std::function<bool()>& condition) {
  const auto limit = std::chrono::steady_clock::now() + 10s;
  while (!condition()) {
    io.restart();
    if (io.run_one_until(limit) == 0) return condition();
  }
  return true;
}

bool session_fixture::until_ready() {
  return until([this] { return session->is_ready(); });
}

std::optional<qmp::errc> session_fixture::until_ended() {
  until([this] { return ended.has_value(); });
  return ended ? std::optional(ended->code) : std::nullopt;
}

void session_fixture::settle() {
  io.restart();
  while (io.poll() > 0) {
  }
}

std::shared_ptr<std::optional<answer>> session_fixture::ask(qmp::command c,
                                                            std::chrono::milliseconds timeout) {
  auto result = std::make_shared<std::optional<answer>>();
  asio::co_spawn(io, qmp::execute(session, std::move(c), timeout),
                 [result](const std::exception_ptr& thrown, answer a) {
                   if (thrown == nullptr) *result = std::move(a);
                 });
  return result;
}

void session_fixture::TearDown() {
  if (session) session->close();
  session.reset();
  if (!context) return;
  if (peer) peer->stop();
  io.restart();
  io.run_for(10s);
  EXPECT_TRUE(io.stopped()) << "something still waits";
  EXPECT_TRUE(watched_.expired()) << "something still holds the session";
  if (peer) EXPECT_EQ(peer->complaints(), std::vector<std::string>{});
}

}  // namespace unwedge::tests
