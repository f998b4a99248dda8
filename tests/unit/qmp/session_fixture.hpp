// A session on one end of a socket pair (or on any socket) with a scripted peer at the other, on one
// io_context, and after each test the check that nothing of it is left: no work, no session, no unexpected
// command.
#pragma once

#include "qmp/commands.hpp"
#include "qmp/session.hpp"
#include "tests/peer/scripted_peer.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace unwedge::tests {

using namespace std::chrono_literals;
using answer = std::expected<qmp::json::value, qmp::error>;

/// What a session told its observer, and hooks to act from within.
struct session_record final : qmp::session_observer {
  int greetings = 0;
  std::optional<qmp::greeting> hello;
  bool oob = false;
  std::vector<std::string> events;   ///< "NAME DATA"
  std::vector<std::string> replies;  ///< "ID VALUE" or "ID refused..."
  std::function<void()> when_ready = [] {};
  std::function<void(const std::string&)> when_event = [](const std::string&) {};
  std::function<void()> when_reply = [] {};

  void on_greeting() override { ++greetings; }
  void on_ready(const qmp::greeting& g, bool with_oob) override;
  void on_event(const qmp::event& e) override;
  void on_reply(qmp::command_id id, const qmp::reply& r) override;
};

class session_fixture : public testing::Test {
 protected:
  std::optional<asio::io_context> context{std::in_place};
  asio::io_context& io = *context;
  qmp::io_scratch scratch;
  session_record seen;
  std::optional<scripted_peer> peer;
  std::shared_ptr<qmp::session> session;
  std::optional<qmp::error> ended;  ///< what run() returned
  bool threw = false;               ///< run() did

  /// Starts a session against a peer that plays `steps`.
  void start(script steps, qmp::limits limits = {}, qmp::deadlines deadlines = {});
  void start_on(qmp::socket s, qmp::limits limits = {}, qmp::deadlines deadlines = {});

  /// Runs the io_context until `condition` holds; false if it does not within 10 s.
  bool until(const std::function<bool()>& condition);
  bool until_ready();
  /// Runs until the session has ended; its code.
  std::optional<qmp::errc> until_ended();
  /// Runs what can run at once.
  void settle();

  /// Starts execute(); the result appears in what is returned.
  std::shared_ptr<std::optional<answer>> ask(qmp::command c, std::chrono::milliseconds timeout = 10s);

  void TearDown() override;

 private:
  std::weak_ptr<qmp::session> watched_;
};

}  // namespace unwedge::tests
