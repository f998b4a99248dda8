#include "qmp/framer.hpp"

#include "tests/unit/qmp/transcript.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace unwedge::tests {
namespace {

/// `stream`, cut in two at every byte, and byte by byte, comes to the same as in one piece.
void expect_the_same_for_every_split(const std::string& stream, const qmp::limits& limits = {}) {
  const auto whole = frame(stream, {}, limits);
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    const auto split = frame(stream, {cut}, limits);
    ASSERT_EQ(split.raw, whole.raw) << "cut at " << cut;
    ASSERT_EQ(split.parsed, whole.parsed) << "cut at " << cut;
    ASSERT_EQ(split.failure, whole.failure) << "cut at " << cut;
  }
  const auto bytewise = frame_in_pieces(stream, 1, limits);
  EXPECT_EQ(bytewise.parsed, whole.parsed);
  EXPECT_EQ(bytewise.failure, whole.failure);
}

/// {"k":"xxx"} of exactly `size` bytes.
std::string message_of(std::size_t size) {
  return R"({"k":")" + std::string(size - 8, 'x') + R"("})";
}

std::string nested(std::size_t depth) {
  return R"({"k":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
}

TEST(framer, hands_over_every_message_as_it_came) {
  const auto got = frame(transcript());
  ASSERT_EQ(got.failure, "");
  ASSERT_EQ(got.raw.size(), 11u);
  std::string joined;
  for (const auto& raw : got.raw) joined += raw + "\r\n";
  EXPECT_EQ(joined, transcript());
  EXPECT_EQ(got.parsed[7], R"({"return":[],"id":"u4"})");
  EXPECT_EQ(got.pending, 0u);
}

TEST(framer, gives_the_same_messages_for_every_split) {
  expect_the_same_for_every_split(transcript());
}

TEST(framer, gives_the_same_messages_for_many_random_splits) {
  const auto stream = transcript();
  const auto whole = frame(stream);
  std::mt19937 random(1);
  for (int round = 0; round < 1000; ++round) {
    std::vector<std::size_t> cuts(std::uniform_int_distribution<std::size_t>(1, 40)(random));
    for (auto& cut : cuts) cut = std::uniform_int_distribution<std::size_t>(0, stream.size())(random);
    std::ranges::sort(cuts);
    ASSERT_EQ(frame(stream, cuts), whole) << "round " << round;
  }
}

TEST(framer, takes_pretty_printed_messages_in_every_split) {
  const auto stream = pretty(transcript());
  ASSERT_GT(std::ranges::count(stream, '\n'), 50);
  EXPECT_EQ(frame(stream).parsed, frame(transcript()).parsed);
  expect_the_same_for_every_split(stream);
}

TEST(framer, takes_messages_without_anything_between_them) {
  const auto got = frame(R"({"a":1}{"b":2}  {"c":3})");
  EXPECT_EQ(got.parsed, (std::vector<std::string>{R"({"a":1})", R"({"b":2})", R"({"c":3})"}));
  expect_the_same_for_every_split(R"({"a":1}{"b":2}  {"c":3})");
}

TEST(framer, holds_nothing_between_messages_and_what_came_of_one_within) {
  EXPECT_EQ(frame("\r\n \r\n").pending, 0u);
  EXPECT_EQ(frame(R"({"a":1} {"b")").pending, 4u);
  EXPECT_EQ(frame_in_pieces(transcript(), 7).pending, 0u);
}

TEST(framer, refuses_what_is_no_json_object_in_every_split) {
  for (const std::string garbage : {"HTTP/1.1 400 Bad Request\r\n",
                                    "1",
                                    "12 ",
                                    "\"text\"",
                                    "[]",
                                    "[{}]",
                                    "null",
                                    "true",
                                    "}",
                                    "{]",
                                    "{\"a\" 1}",
                                    "{\"a\":1,}",
                                    "{a:1}",
                                    "{\"a\":01}",
                                    "{\"a\":\"\x80\"}",
                                    "{\"a\":\"\n\"}",
                                    "{\"a\":\"\\x\"}",
                                    "// {}",
                                    "{\"a\":\"\\ud800\"}",
                                    "{\"a\":1e999999999999}"}) {
    SCOPED_TRACE(garbage);
    const auto stream = R"({"event":"A"})"
                        "\r\n" +
                        garbage + R"({"event":"B"})";
    const auto got = frame(stream);
    EXPECT_EQ(got.failure, "not QMP");
    EXPECT_EQ(got.raw.size(), 1u);
    expect_the_same_for_every_split(stream);
  }
  EXPECT_EQ(frame(std::string("\0", 1)).failure, "not QMP");
}

TEST(framer, takes_the_longest_message_allowed_and_none_longer_in_every_split) {
  const qmp::limits limits{.message_bytes = 64};
  for (const std::string end : {"", "\r\n", "      \r\n\r\n"}) {
    const auto longest = message_of(64) + end + message_of(64) + end;
    EXPECT_EQ(frame(longest, {}, limits).failure, "");
    EXPECT_EQ(frame(longest, {}, limits).raw.size(), 2u);
    expect_the_same_for_every_split(longest, limits);
    const auto longer = message_of(64) + end + message_of(65) + end;
    EXPECT_EQ(frame(longer, {}, limits).failure, "message too long");
    EXPECT_EQ(frame(longer, {}, limits).raw.size(), 1u);
    expect_the_same_for_every_split(longer, limits);
  }
}

TEST(framer, stops_an_endless_message_at_the_limit) {
  const qmp::limits limits{.message_bytes = 1000};
  const auto got = frame_in_pieces("{\"k\":\"" + std::string(1'000'000, 'x'), 100, limits);
  EXPECT_EQ(got.failure, "message too long");
  EXPECT_LE(got.pending, 1000u);
}

TEST(framer, takes_the_deepest_message_allowed_and_none_deeper_in_every_split) {
  const qmp::limits limits{.depth = 8};
  EXPECT_EQ(frame(nested(8), {}, limits).failure, "");
  EXPECT_EQ(frame(nested(9), {}, limits).failure, "message nested too deep");
  expect_the_same_for_every_split(nested(8), limits);
  expect_the_same_for_every_split(nested(9), limits);
  EXPECT_EQ(frame(nested(100)).failure, "");
  EXPECT_EQ(frame(nested(101)).failure, "message nested too deep");
  EXPECT_EQ(frame("{\"k\":" + std::string(1'000'000, '[')).failure, "message nested too deep");
}

TEST(framer, refuses_a_message_that_would_parse_into_far_more_memory_in_every_split) {
  const qmp::limits limits{.values = 10};
  const std::string ten = R"({"k":[0,1,2,3,4,5,6,7,8,9,10]})";
  const std::string eleven = R"({"k":[0,1,2,3,4,5,6,7,8,9,10,11]})";
  EXPECT_EQ(frame(ten + ten, {}, limits).raw.size(), 2u);
  EXPECT_EQ(frame(ten + eleven, {}, limits).failure, "message too long");
  expect_the_same_for_every_split(ten + "\r\n" + ten, limits);
  expect_the_same_for_every_split(ten + "\r\n" + eleven, limits);
}

/// Were a piece's cost proportional to what had come before, this would take hours.
TEST(framer, takes_a_big_message_in_small_pieces_in_linear_time) {
  std::string big = R"({"return":[)";
  while (big.size() < 1'000'000) big += R"({"node-name":"#block123","drv":"qcow2","ro":false},)";
  big.back() = ']';
  big += "}";
  const auto got = frame_in_pieces(big, 1);
  EXPECT_EQ(got.failure, "");
  ASSERT_EQ(got.raw.size(), 1u);
  EXPECT_EQ(got.raw[0], big);
}

TEST(framer, serves_many_sessions_from_one_scratch) {
  struct counter final : qmp::message_sink {
    std::expected<void, qmp::error> on_message(const qmp::json::object& m, std::string_view) override {
      names.push_back(qmp::json::serialize(m));
      return {};
    }
    std::vector<std::string> names;
  };
  qmp::parse_scratch scratch;
  qmp::framer one(scratch, {});
  qmp::framer other(scratch, {});
  counter sink;
  ASSERT_TRUE(one.feed(R"({"a":[1,)", sink));
  ASSERT_TRUE(other.feed(R"({"b":1}{"c":)", sink));
  ASSERT_FALSE(other.feed("garbage", sink));
  ASSERT_TRUE(one.feed(R"(2]}{"d":4})", sink));
  EXPECT_EQ(sink.names, (std::vector<std::string>{R"({"b":1})", R"({"a":[1,2]})", R"({"d":4})"}));
}

}  // namespace
}  // namespace unwedge::tests
