#include "simulator.hpp"

#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

using namespace fake;

TEST(switchover_guard, try_it) {
  simulator s;
  s.at(1).mirror("m0", 5);
  s.at(3).migrate();
  s.until(20);
  tells(s, {});
  EXPECT_EQ(s.qemu().fate(), "completes");
}

TEST(switchover_guard, dead) {
  simulator s;
  s.at(1).mirror("m0");
  s.at(3).target_dies();
  s.at(6).migrate();
  s.until(60);
  tells(s, {});
  EXPECT_EQ(s.qemu().fate(), "runs");
}

}  // namespace
}  // namespace unwedge::policies
