#include "daemon/incident/journal.hpp"

#include "daemon/incident/utf8.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace unwedge::incidents {
namespace {

using testing::HasSubstr;
namespace json = boost::json;

const std::string opened_line =
    R"({"v":1,"record":"opened","at":"2026-11-22T21:50:12.345Z","id":"web01-20261122-215012","vm":"web01",)"
    R"("pid":4711,"started":18446744073709551615,"condition":"monitor-stalled","verdict":{"kind":"bql-held"}})"
    "\n";
const std::string intent_line =
    R"({"record":"intent","step":1,"at":"2026-11-22T21:50:13.000Z","action":"yank",)"
    R"("arguments":{"instances":[{"type":"block-node","node-name":"tgt"}]},"authority":"protect"})"
    "\n";
const std::string outcome_line =
    R"({"record":"outcome","step":1,"at":"2026-11-22T21:50:13.100Z","result":"done","took_ms":93})"
    "\n";
const std::string verdict_line =
    R"({"record":"verdict","at":"2026-11-22T21:50:13.200Z","verdict":{"kind":"main-loop-busy"}})"
    "\n";
const std::string note_line = R"({"record":"note","at":"2026-11-22T21:50:13.300Z","text":"VM running"})"
                              "\n";
const std::string closed_line = R"({"record":"closed","at":"2026-11-22T21:50:14.000Z","outcome":"recovered"})"
                                "\n";
const std::vector<std::string> lines = {opened_line, intent_line,  outcome_line,
                                        note_line,   verdict_line, closed_line};

std::string whole(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += lines[i];
  return text;
}

std::string shown(const policies::incident& in) {
  return json::serialize(to_json(in));
}

TEST(journal, gives_the_incident_of_the_contract) {
  const auto in = replay(whole(lines.size()));
  ASSERT_TRUE(in) << in.error();
  EXPECT_EQ(in->started, UINT64_MAX);
  EXPECT_EQ(
      shown(*in),
      R"({"id":"web01-20261122-215012","vm":"web01","pid":4711,"condition":"monitor-stalled","policy":"","subject":"","why":"",)"
      R"("opened":"2026-11-22T21:50:12.345Z","closed":"2026-11-22T21:50:14.000Z","outcome":"recovered",)"
      R"("verdict":{"kind":"main-loop-busy"},"steps":[{"at":"2026-11-22T21:50:13.000Z","action":"yank",)"
      R"("arguments":{"instances":[{"type":"block-node","node-name":"tgt"}]},"authority":"protect",)"
      R"("result":"done","took_ms":93}],"notes":[{"at":"2026-11-22T21:50:13.300Z","text":"VM running"}]})");
}

TEST(journal, of_an_open_incident_says_so) {
  const auto in = replay(opened_line + intent_line);
  ASSERT_TRUE(in) << in.error();
  const auto shown = to_json(*in);
  EXPECT_EQ(shown.at("closed"), nullptr);
  EXPECT_EQ(shown.at("outcome"), "open");
  EXPECT_EQ(shown.at("steps").at(0).at("result"), "");
}

TEST(journal, cut_at_any_byte_gives_the_state_of_its_last_whole_line) {
  const auto all = whole(lines.size());
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    std::size_t count = 0;
    while (count < lines.size() && whole(count + 1).size() <= cut) ++count;
    const auto torn = read_journal(std::string_view{all}.substr(0, cut));
    ASSERT_TRUE(torn) << cut << ": " << torn.error();
    EXPECT_EQ(torn->whole_bytes, whole(count).size()) << cut;
    policies::incident expected;
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_TRUE(apply(expected, parse_line(lines[i].substr(0, lines[i].size() - 1)).value()));
    }
    EXPECT_EQ(shown(torn->incident), shown(expected)) << cut;
  }
}

TEST(journal, with_an_end_torn_by_a_power_cut_is_whole_before_it) {
  for (const auto& tail : {std::string(300, '\0'), std::string(300, '\0') + "\n",
                           "{\"record\":\"no" + std::string("\n"), std::string{"\n"}}) {
    const auto torn = read_journal(whole(2) + tail);
    ASSERT_TRUE(torn) << torn.error();
    EXPECT_EQ(torn->whole_bytes, whole(2).size());
    EXPECT_EQ(torn->incident.steps.size(), 1u);
  }
}

TEST(journal, damaged_in_the_middle_is_an_error_with_its_line) {
  const std::pair<std::string, std::string> journals[] = {
      {opened_line + "{\"record\":\"inten\n" + closed_line, "line 2: no JSON"},
      {opened_line + "\n" + closed_line, "line 2: no JSON"},
      {opened_line + "[]\n" + closed_line, "line 2: JSON, but no object"},
      {opened_line + "{}\n", "line 2: \"record\" is not a string"},
      {intent_line, "line 1: intent before opened"},
      {opened_line + opened_line, "line 2: opened: opened a second time"},
      {opened_line + outcome_line, "line 2: outcome: step 1 was never begun"},
      {opened_line + intent_line + intent_line, "line 3: intent: step 1 follows step 1"},
      {opened_line + R"({"record":"closed","at":"yesterday","outcome":"recovered"})" + "\n",
       "line 2: closed: \"at\" is not a time"},
      {opened_line + R"({"record":"verdict","at":"2026-11-22T21:50:13.200Z"})" + "\n",
       "line 2: verdict: \"verdict\" is not there"},
      {opened_line + R"({"record":"intent","step":-1})" + "\n",
       "line 2: intent: \"step\" is not an integer in range"},
      {std::string(5u << 20, 'x'), "above 4 MiB"},
      {opened_line + std::string((1u << 20) + 1, ' ') + "\n" + closed_line, "line 2: a line above 1 MiB"},
  };
  for (const auto& [text, error] : journals) {
    const auto in = replay(text);
    ASSERT_FALSE(in) << text.substr(0, 200);
    EXPECT_THAT(in.error(), HasSubstr(error));
  }
}

TEST(journal, of_a_later_version_is_still_read) {
  const auto in =
      replay(opened_line + R"({"record":"blame","who":"nobody"})" + "\n" +
             R"({"record":"closed","at":"2026-11-22T21:50:14.000Z","outcome":"recovered","by":"x"})" + "\n");
  ASSERT_TRUE(in) << in.error();
  EXPECT_EQ(in->outcome, "recovered");
}

TEST(journal, a_record_that_fails_changes_nothing) {
  policies::incident in;
  ASSERT_TRUE(apply(in, parse_line(opened_line.substr(0, opened_line.size() - 1)).value()));
  const auto before = shown(in);
  EXPECT_FALSE(apply(in, {{"record", "intent"}, {"step", 1}, {"at", "2026-11-22T21:50:13.000Z"}}));
  EXPECT_FALSE(apply(in, {{"record", "closed"}, {"at", "2026-11-22T21:50:13.000Z"}}));
  EXPECT_EQ(shown(in), before);
}

TEST(journal, never_throws_whatever_the_text) {
  std::mt19937 random{11};
  const auto all = whole(lines.size());
  std::uniform_int_distribution<std::size_t> position{0, all.size() - 1};
  std::uniform_int_distribution<int> byte{0, 255}, changes{1, 12};
  std::size_t sound = 0;
  for (int i = 0; i < 20'000; ++i) {
    auto text = all;
    for (int n = changes(random); n > 0; --n) text[position(random)] = static_cast<char>(byte(random));
    if (i % 3 == 0) text.erase(position(random), position(random));
    if (i % 5 == 0) text.insert(std::min(text.size(), position(random)), all.substr(position(random)));
    std::expected<policies::incident, std::string> in;
    ASSERT_NO_THROW(in = replay(text));
    if (!in) continue;
    ++sound;
    ASSERT_NO_THROW(json::serialize(to_json(*in)));
  }
  EXPECT_GT(sound, 100u);
}

TEST(journal, a_line_can_always_be_read_again) {
  const auto line = to_line({{"record", "note"}, {"text", "a\nb\xff\xC3\xA4\xED\xA0\x80\x01"}});
  ASSERT_TRUE(line) << line.error();
  EXPECT_EQ(line->find('\n'), line->size() - 1);
  const auto again = parse_line(std::string_view{*line}.substr(0, line->size() - 1));
  ASSERT_TRUE(again) << again.error();
  EXPECT_EQ(again->at("text"), "a\nb\uFFFD\u00E4\uFFFD\uFFFD\uFFFD\x01");

  json::value deep = 1;
  for (int i = 0; i < 100; ++i) deep = json::array{std::move(deep)};
  EXPECT_FALSE(to_line({{"record", "verdict"}, {"verdict", deep}}));
  EXPECT_FALSE(to_line({{"record", "note"}, {"text", std::string(max_line_bytes, 'x')}}));
}

TEST(utf8, is_left_alone_where_it_is_valid) {
  const std::string valid = "a\u00E4\u20AC\U0001F600\uFFFD\x7F";
  EXPECT_EQ(repaired_utf8(valid), valid);
  EXPECT_EQ(repaired_utf8("\xC0\xAF|\xF4\x90\x80\x80|\xE0\x80\xAF|\xE2\x82"),
            "\uFFFD\uFFFD|\uFFFD\uFFFD\uFFFD\uFFFD|\uFFFD\uFFFD\uFFFD|\uFFFD\uFFFD");
}

}  // namespace
}  // namespace unwedge::incidents
