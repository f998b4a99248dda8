#include "daemon/watch/signature_json.hpp"

#include <gtest/gtest.h>

namespace unwedge::watch {
namespace {

TEST(signature_json, has_every_key_whatever_is_known) {
  policies::signature_match m{.name = "n", .title = "t", .description = "d", .references = {"r"}};
  m.sure = policies::certainty::likely;
  m.doubts = {"why"};
  m.threads = {7, 8};
  EXPECT_EQ(boost::json::serialize(to_json(m)),
            R"({"name":"n","title":"t","description":"d","references":["r"],"fixed_in":null,"helps":null,)"
            R"("certainty":"likely","doubts":["why"],"threads":[7,8]})");
  m.fixed_in = policies::release{8, 2, 1};
  m.helps = "yank";
  m.sure = policies::certainty::exact;
  const std::vector all{m};
  const auto json = to_json(std::span<const policies::signature_match>{all});
  EXPECT_EQ(json.at(0).at("fixed_in"), "8.2.1");
  EXPECT_EQ(json.at(0).at("helps"), "yank");
  EXPECT_EQ(json.at(0).at("certainty"), "exact");
}

}  // namespace
}  // namespace unwedge::watch
