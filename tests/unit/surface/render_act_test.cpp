// What an act would mean, as an operator reads it before he says yes.
#include "daemon/ctl/render.hpp"

#include <gtest/gtest.h>

namespace unwedge::ctl {
namespace {

namespace json = boost::json;

TEST(render_act_plan, shows_every_precondition_and_how_it_stands) {
  const auto act = json::parse(R"({"vm":"web01","plan":"rescue-root: lends the BQL away.","preconditions":[
      {"name":"process","ok":true,"sentence":"process 7102, a QEMU"},
      {"name":"nested-poll","ok":false,"sentence":"no aio_poll in it"}]})");
  EXPECT_EQ(render_act_plan(act.as_object()),
            "web01: rescue-root: lends the BQL away.\n"
            "  ok  process      process 7102, a QEMU\n"
            "  NO  nested-poll  no aio_poll in it\n");
}

TEST(render_act_plan, is_a_line_where_nothing_has_to_hold) {
  EXPECT_EQ(render_act_plan({{"vm", "web01"}, {"plan", "a core of 90 MiB"}}), "web01: a core of 90 MiB\n");
}

TEST(render_act_plan, trusts_neither_shape_nor_text) {
  const auto act =
      json::parse(R"({"vm":"w\u001b[31m","plan":7,"preconditions":[1,{"name":[]},{"sentence":"\u0007"}]})");
  const auto text = render_act_plan(act.as_object());
  for (const char c : text) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= ' ') << int{c};
}

}  // namespace
}  // namespace unwedge::ctl
