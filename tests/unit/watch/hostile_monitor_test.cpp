// Whatever a monitor does ends in a clear line of the log and another try, and never in a crash, a leak or a
// coroutine that is stuck (the fixture's end checks that).
#include "tests/unit/watch/watch_fixture.hpp"

namespace unwedge::tests {
namespace {

struct misdeed {
  std::string name;
  script steps;
  std::string log;  ///< what an operator reads
};

class a_monitor_that : public watch_fixture, public testing::WithParamInterface<misdeed> {};

TEST_P(a_monitor_that, is_reported_and_tried_again) {
  auto& hostile = watch(GetParam().steps);
  ASSERT_TRUE(until([&] { return hostile.clients() >= 3; })) << log();
  EXPECT_NE(log().find(GetParam().log), std::string::npos) << log();
  EXPECT_NE(vm()->state(), watch::vm_state::gone);
}

std::string deep(int levels) {
  return "{\"a\":" + std::string(static_cast<std::size_t>(levels), '[') + "\r\n";
}

INSTANTIATE_TEST_SUITE_P(
    misbehaves, a_monitor_that,
    testing::Values(
        misdeed{"sends_garbage", {say{"garbage\r\n"}}, "vm: disconnected: not QMP"},
        misdeed{"sends_garbage_later", handshake() + script{say{"}{"}}, "vm: disconnected: not QMP"},
        misdeed{"sends_too_deep_messages", handshake() + script{say{deep(200)}},
                "vm: disconnected: message nested too deep"},
        misdeed{"sends_too_long_messages",
                handshake() + script{say{"{\"a\":\"" + std::string(5u << 20, 'x')}},
                "vm: disconnected: message too long"},
        misdeed{"floods_events", handshake() + script{flood{event("BLOCK_JOB_ERROR")}},
                "vm: disconnected: event flood"},
        misdeed{"hangs_up_at_once", {hang_up{}}, "vm: disconnected: connection closed"},
        misdeed{"hangs_up_after_the_greeting",
                {say{greeting()}, hang_up{}},
                "vm: disconnected: connection closed"},
        misdeed{"hangs_up_when_asked", handshake() + script{expect{"query-status"}, hang_up{}},
                "vm: disconnected: connection closed"},
        misdeed{"refuses_capabilities",
                {say{greeting()}, expect{"qmp_capabilities"}, refuse{"GenericError", "not today"}},
                "not today"}),
    [](const auto& info) { return info.param.name; });

class a_monitor : public watch_fixture {};

TEST_F(a_monitor, that_answers_is_healthy) {
  watch(handshake());
  ASSERT_TRUE(until([&] {
    return vm()->state() == watch::vm_state::healthy && vm()->model().uuid == "6c2f";
  })) << log();
  EXPECT_TRUE(vm()->model().monitor.oob);
  EXPECT_EQ(vm()->model().run_state, "running");
  EXPECT_EQ(peer->complaints(), std::vector<std::string>{});
}

TEST_F(a_monitor, that_answers_in_band_with_someone_elses_id_becomes_suspect_and_nothing_is_believed) {
  watch(handshake() +
        script{expect{"query-status"}, reply_as{"\"libvirt-7\"", R"({"status":"paused"})"}, go_silent{}});
  ASSERT_TRUE(until([&] { return vm()->suspicion().active(); })) << log();
  EXPECT_EQ(vm()->model().run_state, "unknown");
  EXPECT_FALSE(vm()->verdict());
}

TEST_F(a_monitor, that_answers_late_is_suspect_and_then_healthy_and_no_incident_is_left) {
  watch(handshake() + script{expect{"query-status"}, delay{std::chrono::milliseconds(700)},
                             reply{R"({"status":"running"})", "query-status"}});
  ASSERT_TRUE(until([&] { return vm()->suspicion().active(); })) << log();
  ASSERT_TRUE(until([&] { return vm()->state() == watch::vm_state::healthy; })) << log();
  EXPECT_EQ(vm()->incident_id(), "");
}

TEST_F(a_monitor, that_never_answers_gets_one_question_in_band_and_not_more) {
  watch(handshake() + script{expect{"query-status"}, go_silent{}});
  ASSERT_TRUE(until([&] { return vm()->suspicion().active(); })) << log();
  until([] { return false; }, std::chrono::seconds(1));
  const auto asked = std::ranges::count_if(
      peer->received(), [](const heard& h) { return h.name != "qmp_capabilities" && !h.out_of_band; });
  EXPECT_EQ(asked, 1);
}

TEST_F(a_monitor, without_out_of_band_is_watched_in_band) {
  watch(handshake(false));
  ASSERT_TRUE(until([&] { return vm()->state() == watch::vm_state::healthy; })) << log();
  EXPECT_FALSE(vm()->model().monitor.oob);
  EXPECT_NE(log().find("in-band only"), std::string::npos) << log();
}

TEST_F(a_monitor, whose_events_are_unknown_keeps_them_in_its_history) {
  watch(handshake() + script{say{event("NEVER_HEARD_OF", R"({"x":1})")}});
  ASSERT_TRUE(until([&] { return !vm()->model().events.oldest_first().empty(); })) << log();
  EXPECT_EQ(vm()->model().events.oldest_first().front()->name, "NEVER_HEARD_OF");
}

}  // namespace
}  // namespace unwedge::tests
