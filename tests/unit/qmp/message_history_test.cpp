#include "qmp/message_history.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace unwedge::qmp {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using wall_time = message_history::wall_time;
using direction = message_history::direction;

constexpr auto start = wall_time{1'795'384'212s} + 345ms;

class history : public testing::Test {
 protected:
  /// A query and its answer, as QEMU gives it.
  void probe(std::uint64_t id, std::chrono::milliseconds at, std::string_view name = "query-status",
             std::string_view gives = R"({"running": true})") {
    kept_.sent(start + at, id, {.name = name});
    answer(id, at + 2ms, gives);
  }
  void answer(std::uint64_t id, std::chrono::milliseconds at, std::string_view gives) {
    kept_.received(start + at, fmt::format("{{\"return\": {}, \"id\": \"u{}\"}}\r\n", gives, id), id);
  }
  std::vector<std::string> texts() {
    std::vector<std::string> out;
    for (const auto& l : kept_.lines()) out.push_back(fmt::format("{}x{}", l.text, l.count));
    return out;
  }

  message_history kept_;
};

TEST_F(history, keeps_both_directions_with_times_and_ids) {
  EXPECT_TRUE(kept_.empty());
  kept_.sent(start, 7, {.name = "yank", .arguments = {{"a", 1}}, .out_of_band = true});
  kept_.received(start + 1s, "{\"return\": {}, \"id\": \"u7\"}\r\n", 7);
  kept_.received(start + 2s, "{\"event\": \"STOP\"}\r\n", {});
  kept_.note(start + 3s, "connection lost");
  const auto lines = kept_.lines();
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0].text, R"(yank {"a":1})");
  EXPECT_EQ(lines[0].went, direction::sent_out_of_band);
  EXPECT_EQ(lines[0].id, 7u);
  EXPECT_EQ(lines[0].first, start);
  EXPECT_EQ(lines[1].text, R"({"return": {}})");
  EXPECT_EQ(lines[1].went, direction::received);
  EXPECT_EQ(lines[2].text, R"({"event": "STOP"})");
  EXPECT_FALSE(lines[2].id);
  EXPECT_EQ(lines[3].went, direction::note);
}

TEST_F(history, takes_repeated_probes_once) {
  for (unsigned i = 1; i <= 1'000; ++i) probe(i, i * 1s);
  const auto lines = kept_.lines();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].count, 1'000u);
  EXPECT_EQ(lines[0].first, start + 1s);
  EXPECT_EQ(lines[0].last, start + 1000s);
  EXPECT_EQ(lines[0].id, 1'000u);
  EXPECT_EQ(lines[1].last, start + 1000s + 2ms);
  EXPECT_EQ(lines[1].text, R"({"return": {"running": true}})");
  EXPECT_EQ(kept_.left_out(), 0u);
}

TEST_F(history, shows_the_probe_that_is_not_answered) {
  for (unsigned i = 1; i <= 5; ++i) probe(i, i * 1s);
  kept_.sent(start + 6s, 6, {.name = "query-status"});
  EXPECT_THAT(texts(),
              testing::ElementsAre("query-statusx5", R"({"return": {"running": true}}x5)", "query-statusx1"));
}

TEST_F(history, shows_the_answer_that_changed) {
  probe(1, 1s);
  probe(2, 2s);
  probe(3, 3s, "query-status", R"({"running": false})");
  EXPECT_THAT(texts(), testing::ElementsAre("query-statusx2", R"({"return": {"running": true}}x2)",
                                            "query-statusx1", R"({"return": {"running": false}}x1)"));
}

TEST_F(history, keeps_the_order_around_what_is_no_query) {
  probe(1, 1s);
  kept_.received(start + 2s, R"({"event": "STOP"})", {});
  probe(2, 3s);
  probe(3, 4s);
  EXPECT_THAT(texts(), testing::ElementsAre("query-statusx1", R"({"return": {"running": true}}x1)",
                                            R"({"event": "STOP"}x1)", "query-statusx2",
                                            R"({"return": {"running": true}}x2)"));
}

TEST_F(history, keeps_256_lines_the_newest) {
  for (int i = 0; i < 2'000; ++i)
    kept_.received(start + i * 1ms, fmt::format(R"({{"event": "E{}"}})", i), {});
  const auto lines = kept_.lines();
  EXPECT_GE(lines.size(), message_history::lines_kept);
  EXPECT_LE(lines.size(), message_history::lines_kept + 32);
  EXPECT_EQ(lines.back().text, R"({"event": "E1999"})");
  EXPECT_EQ(lines.size() + kept_.left_out(), 2'000u);
}

TEST_F(history, lets_queries_go_first) {
  kept_.received(start, R"({"event": "STOP"})", {});
  for (unsigned i = 1; i <= 1'000; ++i)
    probe(i, i * 1s, "query-jobs", fmt::format(R"([{{"offset": {}}}])", i));
  EXPECT_EQ(kept_.lines().front().text, R"({"event": "STOP"})");
}

TEST_F(history, stays_within_its_bytes_and_its_texts) {
  const std::string large(1u << 20, 'x');
  for (unsigned i = 0; i < 500; ++i) {
    kept_.received(start, large, {});
    ASSERT_LE(kept_.memory(), message_history::max_bytes + 1024);
  }
  for (const auto& l : kept_.lines()) {
    EXPECT_EQ(l.text.size(), message_history::text_bytes);
    EXPECT_EQ(l.length, large.size());
  }
  kept_.sent(start, 1, {.name = "query-block"});
  kept_.received(start, large, 1);
  EXPECT_EQ(kept_.lines().back().text.size(), message_history::query_bytes);
}

TEST_F(history, an_idle_vm_takes_little) {
  for (unsigned i = 1; i <= 10'000; ++i) {
    probe(2 * i, i * 1s);
    probe(2 * i + 1, i * 1s + 500ms, "query-yank", "[]");
  }
  EXPECT_EQ(kept_.lines().size(), 4u);
  EXPECT_LE(kept_.memory(), 2'048u);
}

/// Any sequence of any messages: it stays within its bounds, and no line is of another's text.
TEST_F(history, survives_any_peer) {
  std::mt19937 random(5);
  const std::string_view names[] = {"query-status", "query-jobs", "yank", "query-yank"};
  const std::string_view raws[] = {"",
                                   "\r\n",
                                   "{}",
                                   "\"id\": \"u1\"",
                                   R"({"id": "u3", "return": 1})",
                                   "\xff\xfe\x00x",
                                   R"(, "id": "u2"})"};
  auto at = start;
  for (int i = 0; i < 200'000; ++i) {
    at += std::chrono::milliseconds(static_cast<int>(random() % 2'000) - 500);
    const auto id = random() % 8;
    switch (random() % 4) {
      case 0:
        kept_.sent(at, id, {.name = names[random() % 4], .out_of_band = random() % 2 == 0});
        break;
      case 1:
        kept_.received(at, raws[random() % std::size(raws)], id);
        break;
      case 2:
        kept_.received(at, raws[random() % std::size(raws)],
                       random() % 2 == 0 ? std::optional<std::uint64_t>(random()) : std::nullopt);
        break;
      default:
        if (random() % 50 == 0) kept_.note(at, "lost");
    }
    ASSERT_LE(kept_.memory(), message_history::max_bytes + 1024);
    if (i % 997 == 0) {
      for (const auto& l : kept_.lines()) ASSERT_GE(l.count, 1u);
    }
  }
  EXPECT_LE(kept_.lines().size(), message_history::lines_kept + 32);
}

}  // namespace
}  // namespace unwedge::qmp
