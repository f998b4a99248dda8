// The steps sever-root and rescue-root, as documented, taken apart again.
#include "daemon/watch/rescue_orders.hpp"

#include <gmock/gmock.h>

namespace unwedge::watch {
namespace {

using testing::ElementsAre;

policies::step step(const char* action, const std::string& arguments) {
  return {.action = action, .arguments = boost::json::parse(arguments).as_object()};
}

policies::step lease(const std::string& cut) {
  return step("rescue-root",
              R"({"holder":7104,"mutexes":["0x560f77f62b40","0x7f00deadbeef"],)"
              R"("cancel_migration":true,"frees_graph":true,"nodes":["tgt"],"jobs":["m0","m1"],"cut":)" +
                  cut + "}");
}

TEST(rescue_orders, of_a_lease_with_a_yank) {
  const auto s = lease(R"({"yank":[{"type":"block-node","node-name":"tgt"}]})");
  const auto orders = lease_orders_of(s);
  ASSERT_TRUE(orders);
  EXPECT_EQ(orders->holder, 7104);
  EXPECT_TRUE(orders->frees_graph);
  EXPECT_THAT(orders->mutexes, ElementsAre(0x560f77f62b40, 0x7f00deadbeef));
  EXPECT_TRUE(orders->cancel_migration);
  EXPECT_EQ(boost::json::serialize(orders->cut.yank), R"([{"type":"block-node","node-name":"tgt"}])");
  EXPECT_TRUE(orders->cut.sever.empty());
  EXPECT_THAT(orders->jobs, ElementsAre("m0", "m1"));
  EXPECT_TRUE(yanks_in_window(s));
  EXPECT_FALSE(connections_of(s));
}

TEST(rescue_orders, of_a_lease_with_a_cut_from_outside) {
  const auto s = lease(R"({"sever":[{"fd":23,"inode":18446744073709551615,"peer":"/run/nbd"}]})");
  const auto orders = lease_orders_of(s);
  ASSERT_TRUE(orders);
  ASSERT_EQ(orders->cut.sever.size(), 1u);
  EXPECT_EQ(orders->cut.sever[0].fd, 23);
  EXPECT_EQ(orders->cut.sever[0].inode, 18446744073709551615u);
  EXPECT_FALSE(yanks_in_window(s));
}

TEST(rescue_orders, of_connections) {
  const auto s = step("sever-root", R"({"nodes":["a","b"],"connections":[{"fd":7,"inode":1,"peer":"x"},)"
                                    R"({"fd":9,"inode":2,"peer":"x"}]})");
  const auto all = connections_of(s);
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ((*all)[1].fd, 9);
  EXPECT_EQ((*all)[1].inode, 2u);
  EXPECT_FALSE(lease_orders_of(s));
}

TEST(rescue_orders, are_none_if_anything_is_amiss) {
  for (const auto* cut : {"{}", "[]", R"({"yank":[]})", R"({"sever":[]})", R"({"sever":[{"fd":23}]})",
                          R"({"sever":[{"fd":-99999999999,"inode":1}]})", R"({"sever":["x"]})"})
    EXPECT_FALSE(lease_orders_of(lease(cut))) << cut;
  for (
      const auto* arguments :
      {"{}",
       R"({"holder":1,"mutexes":[],"cancel_migration":false,"frees_graph":false,"jobs":[],"cut":{"yank":[{}]}})",
       R"({"holder":1,"mutexes":["12"],"cancel_migration":false,"frees_graph":false,"jobs":[],"cut":{"yank":[{}]}})",
       R"({"holder":1,"mutexes":["0x1g"],"cancel_migration":false,"frees_graph":false,"jobs":[],"cut":{"yank":[{}]}})",
       R"({"holder":1,"mutexes":["0x1"],"frees_graph":false,"jobs":[],"cut":{"yank":[{}]}})",
       R"({"holder":1,"mutexes":["0x1"],"cancel_migration":false,"jobs":[],"cut":{"yank":[{}]}})",
       R"({"holder":1,"mutexes":["0x1"],"cancel_migration":false,"frees_graph":false,"jobs":[1],"cut":{"yank":[{}]}})",
       R"({"connections":{}})", R"({"connections":[]})", R"({"connections":[{"fd":1,"inode":-1}]})"}) {
    EXPECT_FALSE(lease_orders_of(step("rescue-root", arguments))) << arguments;
    EXPECT_FALSE(connections_of(step("sever-root", arguments))) << arguments;
  }
}

}  // namespace
}  // namespace unwedge::watch
