// A VM that has ended is remembered for minutes, and hosts see hundreds of migrations an hour: what it leaves
// must be small.
#include "tests/unit/qmp/real_qemu.hpp"
#include "tests/unit/watch/watch_fixture.hpp"

#include <signal.h>

#include <fstream>
#include <thread>

namespace unwedge::tests {
namespace {

class a_vm_that_is_gone : public watch_fixture {
 protected:
  /// Of the one incident; empty: there is none, or it is not there yet.
  std::string paper(const std::string& name) const {
    std::error_code none_yet;
    for (const auto& incident : std::filesystem::directory_iterator(folder / "incidents", none_yet)) {
      std::ifstream file(incident.path() / name);
      if (file) return {std::istreambuf_iterator<char>(file), {}};
    }
    return "";
  }
};

TEST_F(a_vm_that_is_gone, keeps_no_messages_once_they_are_with_its_incident) {
  if (!real_qemu::installed()) GTEST_SKIP() << "no QEMU";
  const real_qemu qemu({"-machine", "none"});
  watch_at(qemu.socket_path());
  ASSERT_TRUE(until([&] { return vm()->state() == watch::vm_state::healthy && vm()->process() != nullptr; }))
      << log();
  EXPECT_FALSE(vm()->messages().empty());
  ASSERT_EQ(::kill(qemu.pid(), SIGKILL), 0);
  ASSERT_TRUE(until([&] { return vm()->state() == watch::vm_state::gone; })) << log();
  EXPECT_TRUE(until([&] { return vm()->messages().empty(); }, std::chrono::seconds(3))) << log();
  EXPECT_EQ(vm()->messages().memory(), 0u);
  EXPECT_EQ(vm()->incident_id(), "");
  ASSERT_TRUE(until([&] { return !paper("qmp-history.json").empty(); })) << log();
  EXPECT_NE(paper("qmp-history.json").find("query-status"), std::string::npos) << paper("qmp-history.json");
}

/// Whether the clock or the monitor's socket is served first is chance: here the clock is, as it happened
/// once in two thousand ends.
TEST_F(a_vm_that_is_gone, is_heard_to_the_end_before_its_end_is_judged) {
  if (!real_qemu::installed()) GTEST_SKIP() << "no QEMU";
  settings.probe.patience = std::chrono::seconds(60);
  const real_qemu qemu({"-machine", "none"});
  watch_at(qemu.socket_path());
  ASSERT_TRUE(until([&] { return vm()->state() == watch::vm_state::healthy && vm()->process() != nullptr; }))
      << log();
  ASSERT_EQ(::kill(qemu.pid(), SIGSTOP), 0);
  ASSERT_TRUE(until([&] { return vm()->suspicion().active(); })) << log();

  asio::steady_timer first(io);
  asio::post(io, [&] {
    first.expires_at(asio::steady_timer::time_point::min());
    first.async_wait([&](const boost::system::error_code&) {
      ::kill(qemu.pid(), SIGTERM);  // an orderly end
      ::kill(qemu.pid(), SIGCONT);
      while (vm()->process()->alive()) std::this_thread::yield();
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(300));  // the clock is due as well, after it
  });
  ASSERT_TRUE(until([&] { return vm()->state() == watch::vm_state::gone; })) << log();
  EXPECT_TRUE(vm()->model().shut_down) << log();
  EXPECT_EQ(log().find("without a SHUTDOWN event"), std::string::npos) << log();
}

}  // namespace
}  // namespace unwedge::tests
