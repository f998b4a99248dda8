// When the host as a whole is not well: nothing may be concluded from lateness then.
#include "policies/host_state.hpp"

#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

using namespace std::chrono_literals;

TEST(host, is_well_as_long_as_nothing_says_otherwise) {
  EXPECT_EQ(host_starved({}), "");
  EXPECT_EQ(
      host_starved({.own_lateness = 499ms, .vms = 100, .late = 49, .memory_stall = 59.9, .io_stall = 59.9}),
      "");
}

TEST(host, is_starved_when_our_own_timer_is_late) {
  EXPECT_EQ(host_starved({.own_lateness = 700ms}), "unwedged itself was late by 0.7 s");
}

TEST(host, is_starved_when_many_vms_are_late_at_once) {
  EXPECT_EQ(host_starved({.vms = 8, .late = 4}), "4 of 8 VMs are late at once, and no evidence says why");
  EXPECT_EQ(host_starved({.vms = 9, .late = 4}), "") << "less than half";
  EXPECT_EQ(host_starved({.vms = 3, .late = 3}), "") << "a few may share one dead server";
}

TEST(host, is_starved_when_everything_waits_for_memory_or_io) {
  EXPECT_EQ(host_starved({.memory_stall = 60}), "everything waits for memory 60 % of the time");
  EXPECT_EQ(host_starved({.io_stall = 88.4}), "everything waits for I/O 88 % of the time");
  EXPECT_EQ(host_starved({.memory_stall = std::nullopt, .io_stall = std::nullopt}), "")
      << "a kernel without PSI";
}

}  // namespace
}  // namespace unwedge::policies
