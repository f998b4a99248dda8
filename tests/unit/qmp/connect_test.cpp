#include "tests/unit/qmp/session_fixture.hpp"

#include <filesystem>

namespace unwedge::tests {
namespace {

using qmp::errc;

class connect_to_a_monitor : public session_fixture {
 protected:
  std::filesystem::path folder;
  std::string path;

  void SetUp() override {
    std::string name = std::filesystem::temp_directory_path() / "unwedge-connect-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
    path = folder / "qmp.sock";
  }
  void TearDown() override {
    session_fixture::TearDown();
    std::filesystem::remove_all(folder);
  }
  std::string failure() {
    const auto socket = qmp::connect(io.get_executor(), path);
    if (socket) return "";
    EXPECT_EQ(socket.error().code, errc::connect_failed);
    return to_string(socket.error());
  }
};

TEST_F(connect_to_a_monitor, says_why_it_cannot) {
  EXPECT_EQ(failure(), "cannot connect: " + path + ": No such file or directory");
  {
    asio::local::stream_protocol::acceptor left_behind(io, path);
  }
  EXPECT_EQ(failure(), "cannot connect: " + path + ": Connection refused");
  path = folder / std::string(108, 'x');
  EXPECT_EQ(failure(), "cannot connect: " + path + ": path longer than 107 bytes");
}

TEST_F(connect_to_a_monitor, serves_one_client_after_the_other) {
  peer.emplace(io, handshake());
  peer->listen(path);
  for (std::size_t client = 1; client <= 3; ++client) {
    auto socket = qmp::connect(io.get_executor(), path);
    ASSERT_TRUE(socket) << to_string(socket.error());
    start_on(std::move(*socket));
    ASSERT_TRUE(until_ready());
    EXPECT_EQ(peer->clients(), client);
    session->close();
    EXPECT_EQ(until_ended(), errc::cancelled);
  }
}

TEST_F(connect_to_a_monitor, meets_silence_and_then_a_full_backlog_when_another_client_holds_it) {
  peer.emplace(io, handshake());
  peer->listen(path, 0);
  auto socket = qmp::connect(io.get_executor(), path);
  ASSERT_TRUE(socket);
  start_on(std::move(*socket));
  ASSERT_TRUE(until_ready());
  const auto holder = session;
  auto second = qmp::connect(io.get_executor(), path);
  ASSERT_TRUE(second);
  EXPECT_EQ(failure(), "cannot connect: " + path + ": Resource temporarily unavailable");
  start_on(std::move(*second), {}, {.greeting = 20ms});
  EXPECT_EQ(until_ended(), errc::no_greeting);
  holder->close();
}

}  // namespace
}  // namespace unwedge::tests
