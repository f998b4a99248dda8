// unwedgectl's client against the daemon's server, over a real socket.
#include "tests/unit/surface/bus_fixture.hpp"

#include <gmock/gmock.h>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

namespace unwedge::tests {
namespace {

using namespace std::chrono_literals;
using systemd::call_errc;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(bus, answers_a_call) {
  bus_fixture bus;
  auto client = bus.connect();
  EXPECT_EQ(client.call("Echo", "web01").value(), R"({"argument":"web01"})");
  EXPECT_EQ(client.call("Echo", "").value(), R"({"argument":""})");
}

TEST(bus, carries_a_large_answer) {
  bus_fixture bus;
  EXPECT_EQ(bus.connect().call("Large", "").value().size(), 1u << 20);
}

TEST(bus, hands_the_daemons_error_text_to_the_caller) {
  bus_fixture bus;
  auto const answer = bus.connect().call("Fail", "web9");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, call_errc::failed);
  EXPECT_EQ(answer.error().text, "no VM \"web9\"; there are: web01, db01");
}

TEST(bus, survives_a_handler_that_throws_and_reports_it) {
  bus_fixture bus;
  auto client = bus.connect();
  EXPECT_EQ(client.call("Throw", "").error().text, "internal error: a bug");
  EXPECT_TRUE(bus.reported("D-Bus method Throw threw: a bug"));
  EXPECT_TRUE(client.call("Echo", "still here"));
}

TEST(bus, names_a_method_that_the_daemon_lacks) {
  bus_fixture bus;
  auto const answer = bus.connect().call("Lease", "web01");
  EXPECT_EQ(answer.error().code, call_errc::failed);
  EXPECT_EQ(answer.error().text, "this daemon has no method Lease");
}

TEST(bus, makes_foreign_bytes_valid_utf8_instead_of_failing_the_call) {
  bus_fixture bus;
  EXPECT_EQ(bus.connect().call("Latin1", "").value(), "\"caf\uFFFD\"");
}

TEST(bus, sends_events_to_those_who_subscribed_and_only_to_them) {
  bus_fixture bus;
  auto listener = bus.connect();
  auto other = bus.connect();
  std::vector<std::string> events;
  ASSERT_TRUE(listener.subscribe([&](std::string_view json) { events.emplace_back(json); }));
  bus.emit(R"({"seq":1})");
  EXPECT_TRUE(listener.call("Echo", "in between"));
  bus.emit(R"({"seq":2})");
  while (events.size() < 2) ASSERT_TRUE(listener.wait(10s));
  EXPECT_THAT(events, ElementsAre(R"({"seq":1})", R"({"seq":2})"));
  EXPECT_TRUE(other.call("Echo", "not disturbed by events"));
}

TEST(bus, tells_a_waiting_client_that_the_daemon_ended) {
  bus_fixture bus;
  auto listener = bus.connect();
  ASSERT_TRUE(listener.subscribe([](std::string_view) {}));
  bus.server().stop();
  auto state = listener.wait(10s);
  if (state) state = listener.wait(10s);
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code, call_errc::closed);
}

TEST(bus, stops_while_a_handler_is_under_way) {
  bus_fixture bus;
  auto client = bus.connect();
  std::jthread const caller([&] { EXPECT_EQ(client.call("Never", "").error().code, call_errc::closed); });
  ASSERT_TRUE(bus.reaches(1));
  std::this_thread::sleep_for(50ms);
  bus.server().stop();  // the fixture fails if run() does not return
}

TEST(bus, cancels_the_handler_of_a_client_that_left) {
  bus_fixture bus;
  {
    auto impatient = systemd::bus_client::connect(bus.path(), 200ms);
    EXPECT_EQ(impatient->call("Never", "").error().code, call_errc::timed_out);
  }
  EXPECT_TRUE(bus.reaches(0));
}

TEST(bus_socket, is_for_its_owner_only) {
  bus_fixture bus;
  struct stat info{};
  ASSERT_EQ(::stat(bus.path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST(bus_socket, says_that_no_daemon_is_there) {
  temporary_folder const folder;
  auto const client = systemd::bus_client::connect(folder / "unwedged.sock");
  EXPECT_EQ(client.error().code, call_errc::no_daemon);
}

TEST(bus_socket, of_a_dead_daemon_is_replaced) {
  temporary_folder const folder;
  auto const path = folder / "unwedged.sock";
  if (pid_t const child = ::fork(); child == 0) {
    auto const listener = systemd::unix_listener::open(path, 0600);
    ::_exit(listener ? 0 : 1);  // without its destructor: as killed
  } else {
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_EQ(status, 0);
  }
  ASSERT_TRUE(std::filesystem::exists(path));
  EXPECT_EQ(systemd::bus_client::connect(path).error().code, call_errc::no_daemon);
  EXPECT_TRUE(systemd::unix_listener::open(path, 0600));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(bus_socket, of_a_living_daemon_is_not_taken) {
  bus_fixture bus;
  auto const second = systemd::unix_listener::open(bus.path(), 0600);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error(), HasSubstr("another unwedged runs here: "));
  std::filesystem::remove(bus.path().string() + ".lock");  // even without the lock: it answers
  EXPECT_FALSE(systemd::unix_listener::open(bus.path(), 0600));
  EXPECT_TRUE(bus.connect().call("Echo", ""));
}

TEST(bus_socket, never_removes_a_file_that_is_no_socket) {
  temporary_folder const folder;
  std::filesystem::create_directory(folder / "unwedged.sock");
  EXPECT_THAT(systemd::unix_listener::open(folder / "unwedged.sock", 0600).error(),
              HasSubstr("is not a socket"));
}

}  // namespace
}  // namespace unwedge::tests
