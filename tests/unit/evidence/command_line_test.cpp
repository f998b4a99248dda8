#include "daemon/evidence/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

namespace unwedge::evidence {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::string_view_literals;

TEST(command_line, is_cut_into_arguments) {
  EXPECT_THAT(parse_command_line("a\0-b\0\0c d\0"sv).arguments, ElementsAre("a", "-b", "", "c d"));
  EXPECT_FALSE(parse_command_line("a\0"sv).cut);
  EXPECT_THAT(parse_command_line("no end").arguments, ElementsAre("no end"));
  EXPECT_THAT(parse_command_line("").arguments, IsEmpty());
}

TEST(command_line, is_bounded_and_says_so) {
  const auto long_one = parse_command_line(std::string(10'000, 'x'));
  EXPECT_EQ(long_one.arguments.at(0).size(), 4'096u);
  EXPECT_TRUE(long_one.cut);
  const auto many = parse_command_line(std::string(3'000, '\0'));
  EXPECT_EQ(many.arguments.size(), 1'024u);
  EXPECT_TRUE(many.cut);
  std::string huge;
  while (huge.size() < 200'000) huge += std::string(1'000, 'y') + '\0';
  const auto some = parse_command_line(huge);
  EXPECT_LE(some.arguments.size(), 66u);
  EXPECT_TRUE(some.cut);
}

TEST(command_line, is_our_own) {
  const auto self = process::open(::getpid());
  ASSERT_TRUE(self) << self.error();
  const auto line = read_command_line(*self);
  ASSERT_TRUE(line) << line.error();
  ASSERT_FALSE(line->arguments.empty());
  EXPECT_THAT(line->arguments[0], testing::HasSubstr("test_evidence"));
}

}  // namespace
}  // namespace unwedge::evidence
