#include "tests/unit/qmp/real_qemu.hpp"

#include "tests/unit/qmp/session_fixture.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <csignal>

namespace unwedge::tests {
namespace {

using qmp::errc;

const std::vector<std::string> no_machine{"-machine", "none"};

class a_session_with_a_real_qemu : public session_fixture {
 protected:
  std::optional<real_qemu> qemu;

  void SetUp() override {
    if (!real_qemu::installed()) GTEST_SKIP() << "no qemu-system-x86_64 here";
  }
  void connect(qmp::deadlines deadlines = {}) {
    auto socket = qmp::connect(io.get_executor(), qemu->socket_path());
    ASSERT_TRUE(socket) << to_string(socket.error());
    start_on(std::move(*socket), {}, deadlines);
  }
  bool saw(std::string_view event) { return std::ranges::find(seen.events, event) != seen.events.end(); }
  answer run_command(qmp::command c) {
    const auto result = ask(std::move(c));
    until([&] { return result->has_value(); });
    return result->value();
  }
};

TEST_F(a_session_with_a_real_qemu, negotiates_out_of_band_and_asks_on_both_bands) {
  qemu.emplace(no_machine);
  connect();
  ASSERT_TRUE(until_ready());
  EXPECT_TRUE(seen.oob);
  EXPECT_GE(seen.hello->version.major, 4);
  const auto status = run_command(qmp::query_status());
  ASSERT_TRUE(status) << to_string(status.error());
  EXPECT_EQ(status->at("status"), "prelaunch");
  const auto yank = run_command(qmp::query_yank());
  ASSERT_TRUE(yank) << to_string(yank.error());
  EXPECT_TRUE(yank->is_array());
  EXPECT_EQ(session->counters().foreign_replies + session->counters().unknown_messages, 0u);
}

TEST_F(a_session_with_a_real_qemu, is_told_that_a_command_is_not_for_out_of_band) {
  qemu.emplace(no_machine);
  connect();
  ASSERT_TRUE(until_ready());
  const auto refused = run_command({"query-version", {}, true});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::refused);
  EXPECT_EQ(refused.error().server->error_class, "GenericError");
  const auto unknown = run_command({"x-unwedge"});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().server->error_class, "CommandNotFound");
}

TEST_F(a_session_with_a_real_qemu, understands_it_pretty_printed) {
  qemu.emplace(no_machine, true);
  connect();
  ASSERT_TRUE(until_ready());
  const auto schema = run_command({"query-qmp-schema"});  // some 600 KB
  ASSERT_TRUE(schema) << to_string(schema.error());
  EXPECT_GT(schema->as_array().size(), 500u);
}

TEST_F(a_session_with_a_real_qemu, sees_a_machine_run_and_stop) {
  qemu.emplace(std::vector<std::string>{"-machine", "q35", "-accel", "tcg", "-m", "64"});
  connect();
  ASSERT_TRUE(until_ready());
  ASSERT_TRUE(run_command({"cont"}));
  ASSERT_TRUE(until([this] { return saw("RESUME {}"); }));
  ASSERT_TRUE(run_command({"stop"}));
  ASSERT_TRUE(until([this] { return saw("STOP {}"); }));
  EXPECT_EQ(run_command(qmp::query_status())->at("status"), "paused");
}

TEST_F(a_session_with_a_real_qemu, gets_no_greeting_while_another_client_is_served_and_then_no_connection) {
  qemu.emplace(no_machine);
  connect();
  ASSERT_TRUE(until_ready());
  const auto first = session;
  ended.reset();
  connect({.greeting = 50ms});
  EXPECT_EQ(until_ended(), errc::no_greeting);
  std::vector<qmp::socket> waiting;
  std::optional<qmp::error> refused;
  while (!refused && waiting.size() < 100) {
    auto next = qmp::connect(io.get_executor(), qemu->socket_path());
    if (next)
      waiting.push_back(std::move(*next));
    else
      refused = next.error();
  }
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, errc::connect_failed);
  EXPECT_TRUE(to_string(*refused).ends_with("qmp.sock: Resource temporarily unavailable"))
      << to_string(*refused);
  EXPECT_TRUE(first->is_ready());
  ended.reset();
  first->close();
  EXPECT_EQ(until_ended(), errc::cancelled);
}

TEST_F(a_session_with_a_real_qemu, hears_its_last_words) {
  qemu.emplace(no_machine);
  connect();
  ASSERT_TRUE(until_ready());
  ASSERT_TRUE(run_command({"quit"}));
  EXPECT_EQ(until_ended(), errc::closed);
  ASSERT_EQ(seen.events.size(), 1u);
  EXPECT_TRUE(seen.events[0].starts_with("SHUTDOWN ")) << seen.events[0];
}

TEST_F(a_session_with_a_real_qemu, ends_when_it_is_killed_and_waits_when_it_is_stopped) {
  qemu.emplace(no_machine);
  connect();
  ASSERT_TRUE(until_ready());
  ASSERT_EQ(::kill(qemu->pid(), SIGSTOP), 0);
  // A thread on another processor may run on for a moment; the stop is complete when waitpid(2) reports it.
  ASSERT_EQ(::waitpid(qemu->pid(), nullptr, WUNTRACED), qemu->pid());
  const auto probe = ask(qmp::query_yank(), 20ms);
  ASSERT_TRUE(until([&] { return probe->has_value(); }));
  EXPECT_EQ((*probe)->error().code, errc::timed_out);
  EXPECT_TRUE(session->is_ready());
  ASSERT_EQ(::kill(qemu->pid(), SIGKILL), 0);
  EXPECT_EQ(until_ended(), errc::closed);
}

}  // namespace
}  // namespace unwedge::tests
