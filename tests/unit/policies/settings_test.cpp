#include "policies/settings.hpp"

#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

TEST(authority, is_read_as_it_is_written) {
  for (const auto a : {authority::observe, authority::protect, authority::rescue, authority::destroy}) {
    EXPECT_EQ(parse_authority(to_string(a)), a);
  }
  for (const auto* text : {"", "Protect", "protect ", "all"})
    EXPECT_EQ(parse_authority(text), std::nullopt) << text;
}

TEST(authority, grows) {
  EXPECT_LT(authority::observe, authority::protect);
  EXPECT_LT(authority::protect, authority::rescue);
  EXPECT_LT(authority::rescue, authority::destroy);
}

TEST(settings, allow_nothing_out_of_the_box) {
  EXPECT_EQ(settings{}.authority_of("web01"), authority::observe);
  EXPECT_FALSE(settings{}.dry_run);
}

TEST(settings, give_a_vm_the_authority_of_the_last_table_that_applies) {
  settings s;
  s.authority = authority::protect;
  s.vms = {{.match = "web*", .authority = authority::rescue},
           {.match = "web01", .authority = authority::observe},
           {.name = "db01", .qmp = "/srv/db01.sock", .authority = authority::destroy},
           {.match = "*", .authority = std::nullopt}};
  EXPECT_EQ(s.authority_of("web02"), authority::rescue);
  EXPECT_EQ(s.authority_of("web01"), authority::observe);
  EXPECT_EQ(s.authority_of("db01"), authority::destroy);
  EXPECT_EQ(s.authority_of("db010"), authority::protect);
  EXPECT_EQ(s.authority_of(""), authority::protect);
}

}  // namespace
}  // namespace unwedge::policies
