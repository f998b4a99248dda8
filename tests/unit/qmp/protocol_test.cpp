#include "qmp/protocol.hpp"

#include "tests/peer/script.hpp"
#include "tests/unit/qmp/protocol_fixture.hpp"

#include <algorithm>

namespace unwedge::tests {
namespace {

using qmp::errc;
using phase = qmp::protocol::phase;
using told = std::vector<std::string>;

class protocol : public protocol_fixture {};

const std::string negotiated = greeting() + R"({"return": {}, "id": "u0"})";

TEST_F(protocol, negotiates_out_of_band_where_it_is_offered) {
  auto p = fresh();
  EXPECT_EQ(p.at(), phase::awaiting_greeting);
  ASSERT_EQ(code(p, greeting()), std::nullopt);
  EXPECT_EQ(p.at(), phase::negotiating);
  EXPECT_EQ(p.take_output(),
            "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\"]},\"id\":\"u0\"}\r\n");
  EXPECT_EQ(p.take_output(), "");
  ASSERT_EQ(code(p, R"({"return": {}, "id": "u0"})"), std::nullopt);
  EXPECT_EQ(p.at(), phase::ready);
  EXPECT_EQ(seen.told, told{"ready oob"});
  EXPECT_EQ(to_string(seen.hello.version), "7.2.22");
  EXPECT_EQ(seen.hello.version.package, "Debian 1:7.2+dfsg-7+deb12u18");
}

TEST_F(protocol, asks_for_nothing_where_out_of_band_is_not_offered) {
  auto p = fresh();
  ASSERT_EQ(code(p, greeting(false)), std::nullopt);
  EXPECT_EQ(p.take_output(), "{\"execute\":\"qmp_capabilities\",\"id\":\"u0\"}\r\n");
  ASSERT_EQ(code(p, R"({"return": {}, "id": "u0"})"), std::nullopt);
  EXPECT_EQ(seen.told, told{"ready"});
  std::string out;
  EXPECT_EQ(p.send({"query-yank", {}, true}, out).error().code, errc::no_oob);
  EXPECT_EQ(out, "");
}

TEST_F(protocol, tolerates_a_greeting_that_says_nothing_known) {
  for (const std::string hello :
       {R"({"QMP": {}})", R"({"QMP": {"version": 9, "capabilities": "oob"}})",
        R"({"QMP": {"version": {"qemu": {"major": "x", "minor": -1.5}}, "capabilities": [1, null, "new"]}})",
        R"({"QMP": {"version": {"qemu": {"major": 99999999999999999999}}}, "more": []})"}) {
    auto p = fresh();
    EXPECT_EQ(code(p, hello + R"({"return": {}, "id": "u0"})"), std::nullopt) << hello;
    EXPECT_EQ(to_string(seen.hello.version), "unknown") << hello;
  }
  EXPECT_EQ(seen.told, told(4, "ready"));
}

TEST_F(protocol, ends_when_the_capabilities_are_refused) {
  for (const std::string failure : {R"({"class": "GenericError", "desc": "no"})", "5", "null", "{}"}) {
    auto p = fresh();
    const auto why = give(p, greeting() + R"({"id": "u0", "error": )" + failure + "}");
    ASSERT_TRUE(why) << failure;
    EXPECT_EQ(why->code, errc::refused);
    EXPECT_TRUE(to_string(*why).starts_with("refused: qmp_capabilities")) << to_string(*why);
  }
  EXPECT_EQ(seen.told, told{});
}

TEST_F(protocol, sends_nothing_before_it_is_negotiated) {
  auto p = fresh();
  std::string out;
  EXPECT_EQ(p.send({"query-status"}, out).error().code, errc::not_negotiated);
  ASSERT_EQ(code(p, greeting()), std::nullopt);
  EXPECT_EQ(p.send({"query-status"}, out).error().code, errc::not_negotiated);
  EXPECT_EQ(out, "");
}

TEST_F(protocol, drops_and_counts_what_comes_too_early) {
  auto p = fresh();
  const std::string early =
      R"({"return": {}, "id": "u0"}{"return": {}}{"error": {}, "id": 0})" + event("STOP");
  ASSERT_EQ(code(p, early), std::nullopt);
  EXPECT_EQ(p.at(), phase::awaiting_greeting);
  EXPECT_EQ(p.counters().foreign_replies, 3u);
  ASSERT_EQ(code(p, greeting() + R"({"return": 1, "id": "u1"})" + event("STOP")), std::nullopt);
  EXPECT_EQ(p.at(), phase::negotiating);
  EXPECT_EQ(p.counters().foreign_replies, 4u);
  EXPECT_EQ(p.counters().events, 0u);
  EXPECT_EQ(seen.told, told{});
}

TEST_F(protocol, takes_the_first_greeting_only) {
  auto p = fresh();
  ASSERT_EQ(code(p, greeting(false) + greeting(true) + R"({"return": {}, "id": "u0"})" + greeting(true)),
            std::nullopt);
  EXPECT_EQ(seen.told, told{"ready"});
  EXPECT_FALSE(p.oob());
  EXPECT_EQ(p.counters().unknown_messages, 2u);
  EXPECT_EQ(std::ranges::count(p.take_output(), '\n'), 1);
}

TEST_F(protocol, matches_replies_to_commands_in_any_order) {
  auto p = fresh();
  ASSERT_EQ(code(p, negotiated), std::nullopt);
  std::string out;
  EXPECT_EQ(p.send({"query-status"}, out), 1u);
  EXPECT_EQ(p.send({"query-yank", {}, true}, out), 2u);
  EXPECT_EQ(
      out, "{\"execute\":\"query-status\",\"id\":\"u1\"}\r\n{\"exec-oob\":\"query-yank\",\"id\":\"u2\"}\r\n");
  EXPECT_TRUE(p.in_band_outstanding());
  ASSERT_EQ(code(p, R"({"return": [], "id": "u2"})"), std::nullopt);
  EXPECT_TRUE(p.in_band_outstanding());
  ASSERT_EQ(code(p, R"({"id": "u1", "error": {"class": "GenericError", "desc": "no such thing"}})"),
            std::nullopt);
  EXPECT_FALSE(p.in_band_outstanding());
  EXPECT_EQ(p.outstanding(), 0u);
  EXPECT_EQ(seen.told, (told{"ready oob", "reply 2 []", "reply 1 refused: GenericError: no such thing"}));
}

TEST_F(protocol, drops_replies_with_an_id_that_is_not_ours) {
  auto p = fresh();
  ASSERT_EQ(code(p, negotiated), std::nullopt);
  std::string out;
  ASSERT_TRUE(p.send({"query-status"}, out));
  std::uint64_t foreign = 0;
  for (const std::string id : {"1", "\"1\"", "\"u\"", "\"u2\"", "\"u0\"", "\"u-1\"", "\"u+1\"", "\"u1 \"",
                               "\" u1\"", "\"U1\"", "\"u18446744073709551617\"", "\"libvirt-1\"", "null",
                               "true", "[\"u1\"]", "{\"u1\": 1}", "1.0", "\"\"", "\"u1\\u0000\""}) {
    ASSERT_EQ(code(p, R"({"return": {}, "id": )" + id + "}"), std::nullopt);
    EXPECT_EQ(p.counters().foreign_replies, ++foreign) << id;
  }
  EXPECT_EQ(p.outstanding(), 1u);
  ASSERT_EQ(code(p, R"({"return": {}, "id": "u1"})"), std::nullopt);
  ASSERT_EQ(code(p, R"({"return": {}, "id": "u1"})"), std::nullopt);
  EXPECT_EQ(p.counters().foreign_replies, foreign + 1) << "answered twice";
  EXPECT_EQ(seen.told, (told{"ready oob", "reply 1 {}"}));
}

TEST_F(protocol, takes_no_reply_that_belongs_to_a_connection_before) {
  auto p = fresh({}, 1000);
  ASSERT_EQ(code(p, greeting() + R"({"return": {}, "id": "u0"})"), std::nullopt);
  EXPECT_EQ(p.at(), phase::negotiating);
  ASSERT_EQ(code(p, R"({"return": {}, "id": "u1000"})"), std::nullopt);
  std::string out;
  EXPECT_EQ(p.send({"query-status"}, out), 1001u);
  ASSERT_EQ(code(p, R"({"return": {}, "id": "u1"})"), std::nullopt);
  EXPECT_EQ(seen.told, told{"ready oob"});
}

TEST_F(protocol, refuses_the_fifth_unanswered_command_until_one_is_answered) {
  auto p = fresh();
  ASSERT_EQ(code(p, negotiated), std::nullopt);
  std::string out;
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(p.send({"query-status"}, out));
  EXPECT_EQ(p.send({"query-yank", {}, true}, out).error().code, errc::too_many);
  EXPECT_EQ(std::ranges::count(out, '\n'), 4);
  ASSERT_EQ(code(p, R"({"return": {}, "id": "u3"})"), std::nullopt);
  EXPECT_EQ(p.send({"query-yank", {}, true}, out), 5u);
  EXPECT_EQ(p.send({"query-status"}, out).error().code, errc::too_many);
}

TEST_F(protocol, sends_arguments_escaped_on_one_line) {
  auto p = fresh();
  ASSERT_EQ(code(p, negotiated), std::nullopt);
  std::string out;
  ASSERT_TRUE(p.send({"yank", {{"a", "x\"\r\n{"}}, true}, out));
  EXPECT_EQ(out, "{\"exec-oob\":\"yank\",\"arguments\":{\"a\":\"x\\\"\\r\\n{\"},\"id\":\"u1\"}\r\n");
}

TEST_F(protocol, drops_messages_that_are_nothing_known) {
  auto p = fresh();
  ASSERT_EQ(code(p, negotiated), std::nullopt);
  ASSERT_EQ(code(p, R"({}{"x": 1}{"QMP": 5}{"event": 5}{"event": ""}{"event": null, "data": {}})"),
            std::nullopt);
  EXPECT_EQ(p.counters().unknown_messages, 6u);
  EXPECT_EQ(seen.told, told{"ready oob"});
}

TEST(error, reads_as_one_line_whatever_the_peer_wrote) {
  const qmp::error hostile{errc::refused, "cont",
                           qmp::server_error{"Generic\x1b[2J", "a\nJan 1 root: all is well\x7f"}};
  EXPECT_EQ(to_string(hostile), "refused: cont: Generic\\x1b[2J: a\\x0aJan 1 root: all is well\\x7f");
}

TEST_F(protocol, keeps_no_more_than_a_kilobyte_of_a_refusal) {
  auto p = fresh();
  const auto why = give(
      p, greeting() + R"({"id":"u0","error":{"class":"C","desc":")" + std::string(100'000, 'x') + R"("}})");
  ASSERT_TRUE(why && why->server);
  EXPECT_EQ(why->server->description.size(), 1024u);
}

TEST(error, has_a_text_for_every_code) {
  std::vector<std::string_view> texts;
  for (int code = 0; code <= static_cast<int>(errc::cancelled); ++code) {
    texts.push_back(to_string(static_cast<errc>(code)));
    EXPECT_NE(texts.back(), "unknown error");
  }
  std::ranges::sort(texts);
  EXPECT_EQ(std::ranges::adjacent_find(texts), texts.end()) << "two codes with one text";
}

}  // namespace
}  // namespace unwedge::tests
