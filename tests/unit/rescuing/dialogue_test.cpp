// Lines of a helper that may have fallen, and what is believed of them.
#include "daemon/rescuing/dialogue.hpp"

#include "tests/unit/rescuing/said.hpp"

#include <gmock/gmock.h>

#include <random>

namespace unwedge::rescuing {
namespace {

using namespace std::chrono_literals;
using phase = dialogue::phase;
using testing::HasSubstr;

dialogue after(const std::vector<std::string>& lines, child::finished end) {
  dialogue d{said::holder, said::window};
  for (const auto& line : lines) d.hear(line);
  d.close(end);
  return d;
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}

TEST(dialogue, of_a_lease_that_was_granted) {
  dialogue d{said::holder, said::window};
  EXPECT_EQ(d.now(), phase::asked);
  EXPECT_EQ(d.vm(), touched::maybe);
  d.hear(said::granted);
  EXPECT_EQ(d.now(), phase::granted);
  EXPECT_EQ(d.vm(), touched::yes);
  EXPECT_TRUE(d.begun().walks_graph);
  EXPECT_EQ(d.begun().stopped, 100us);
  d.hear(said::answer);
  d.close({.status = 0});
  ASSERT_EQ(d.now(), phase::answered);
  EXPECT_TRUE(d.end().returned);
  EXPECT_EQ(d.end().by, ended_by::command);
  EXPECT_EQ(d.end().lasted, 12ms);
  EXPECT_EQ(d.end().stopped, 125us);
  EXPECT_EQ(d.end().sentence, "so it is");
  EXPECT_EQ(d.end().preconditions, (std::vector<precondition>{{"process", true, "process 1"}}));
}

TEST(dialogue, of_a_holder_that_does_not_come_back_has_an_answer) {
  const auto d = after({said::granted, said::not_back}, {.status = 1});
  ASSERT_EQ(d.now(), phase::answered);
  EXPECT_FALSE(d.end().returned);
  EXPECT_EQ(d.end().by, ended_by::time);
}

TEST(dialogue, of_a_refusal_touches_nothing) {
  const auto d = after({said::refused}, {.status = 1});
  ASSERT_EQ(d.now(), phase::refused);
  EXPECT_EQ(d.vm(), touched::no);
  EXPECT_EQ(d.why().precondition, "holder-polls");
  EXPECT_EQ(d.why().sentence, "it runs");
  EXPECT_EQ(d.why().preconditions.size(), 2u);
}

TEST(dialogue, with_a_wrong_command_line_touches_nothing) {
  EXPECT_EQ(after({}, {.status = 2}).vm(), touched::no);
  EXPECT_EQ(after({}, {.output = "x", .status = 2}).vm(), touched::maybe);
}

struct lie {
  std::string name;
  std::vector<std::string> lines;
  child::finished end;
  std::string why;
  touched vm = touched::maybe;
};

void PrintTo(const lie& l, std::ostream* out) {
  *out << l.name;
}

class dialogue_with : public testing::TestWithParam<lie> {};

TEST_P(dialogue_with, is_not_believed) {
  const auto& l = GetParam();
  const auto d = after(l.lines, l.end);
  EXPECT_EQ(d.now(), phase::broken);
  EXPECT_EQ(d.vm(), l.vm);
  EXPECT_THAT(d.why().sentence, HasSubstr(l.why));
  EXPECT_EQ(d.why().precondition, "");
}

const auto yes = touched::yes;
const child::finished well{.status = 0}, ill{.status = 1}, shot{.signal = 11};

INSTANTIATE_TEST_SUITE_P(
    lies, dialogue_with,
    testing::Values(
        lie{"silence", {}, well, "exited with status 0, without an answer"},
        lie{"silence_and_a_crash", {}, shot, "killed by signal 11"},
        lie{"garbage", {"]["}, well, "cannot be read"}, lie{"an_empty_line", {""}, well, "cannot be read"},
        lie{"an_array", {"[]"}, well, "cannot be read"},
        lie{"deep_nesting", {std::string(100'000, '[')}, well, "cannot be read"},
        lie{"an_empty_object", {"{}"}, ill, "no credible `ok`"},
        lie{"two_objects_in_a_line", {said::granted + said::answer}, well, "cannot be read"},
        lie{"an_answer_first", {said::answer}, well, "granted no lease"},
        lie{"another_event", {R"({"event":"begun"})"}, well, "no credible `event`"},
        lie{"another_holder", {replaced(said::granted, "4242", "4243")}, well, "another lease"},
        lie{"another_window", {replaced(said::granted, "1000", "9000")}, well, "another lease"},
        lie{"a_negative_stop", {replaced(said::granted, "100000", "-1")}, well, "`stopped_ns`"},
        lie{"an_endless_stop",
            {replaced(said::granted, "100000", "18446744073709551615")},
            well,
            "`stopped_ns`"},
        lie{"a_refusal_of_what_holds",
            {replaced(said::refused, R"("holder-polls","ok":false)", R"("holder-polls","ok":true)")},
            ill,
            "no credible `failed`"},
        lie{"a_refusal_by_another_name",
            {replaced(said::refused, R"("failed":"holder-polls")", R"("failed":"x")")},
            ill,
            "`failed`"},
        lie{"a_refusal_without_a_reason",
            {R"({"ok":false,"error":"bad alloc"})"},
            ill,
            "no credible `preconditions`"},
        lie{"a_name_that_is_none",
            {replaced(said::refused, "process\"", "pro\\ncess\"")},
            ill,
            "`preconditions`"},
        lie{"a_refusal_and_success", {said::refused}, well, "not what it answers"},
        lie{"a_refusal_and_a_lease",
            {said::refused, said::granted, said::answer},
            well,
            "more after its answer"},
        lie{"a_refusal_and_a_half_line",
            {said::refused},
            {.output = "{", .status = 1},
            "in the middle of a line"},
        lie{"no_answer", {said::granted}, well, "exited with status 0, without an answer", yes},
        lie{"a_crash_in_the_window", {said::granted}, shot, "killed by signal 11", yes},
        lie{"granted_twice",
            {said::granted, said::granted},
            well,
            "an event in the place of its answer",
            yes},
        lie{"garbage_in_the_window", {said::granted, "?", said::answer}, well, "cannot be read", yes},
        lie{"a_refusal_in_the_window", {said::granted, said::refused}, ill, "another lease", yes},
        lie{"two_answers", {said::granted, said::answer, said::answer}, well, "more after its answer", yes},
        lie{"an_answer_and_failure", {said::granted, said::answer}, ill, "not what it answers", yes},
        lie{"an_answer_and_a_crash", {said::granted, said::answer}, shot, "not what it answers", yes},
        lie{"an_answer_and_a_half_line",
            {said::granted, said::answer},
            {.output = "x", .status = 0},
            "in the middle of a line",
            yes},
        lie{"both_back_and_not",
            {said::granted, said::final_with(R"("ok":true,"returned":false,"ended_by":"time")")},
            well,
            "`returned`",
            yes},
        lie{"an_unknown_end",
            {said::granted, said::final_with(R"("ok":true,"returned":true,"ended_by":"magic")")},
            well,
            "`ended_by`",
            yes},
        lie{"a_calm_walk",
            {said::granted, replaced(said::answer, R"("walks_graph":true)", R"("walks_graph":false)")},
            well,
            "another lease",
            yes},
        lie{"an_answer_of_what_did_not_hold",
            {said::granted, replaced(said::answer, R"("process","ok":true)", R"("process","ok":false)")},
            well,
            "`preconditions`",
            yes}),
    [](const auto& one) { return one.param.name; });

TEST(dialogue, cut_anywhere_gives_no_answer) {
  const auto whole = said::granted + "\n" + said::answer + "\n";
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    dialogue d{said::holder, said::window};
    std::string_view rest = std::string_view(whole).substr(0, cut);
    for (auto end = rest.find('\n'); end != rest.npos; end = rest.find('\n')) {
      d.hear(rest.substr(0, end));
      rest.remove_prefix(end + 1);
    }
    d.close({.output = std::string(rest), .status = 0});
    EXPECT_EQ(d.now(), phase::broken) << cut;
    EXPECT_EQ(d.vm(), cut > said::granted.size() ? touched::yes : touched::maybe) << cut;
  }
}

TEST(dialogue, whatever_it_is_fed_neither_throws_nor_prints_what_came) {
  std::mt19937 engine{20'260'101};
  const std::vector<std::string> honest{said::granted, said::answer, said::refused, said::plan,
                                        said::not_back};
  for (int i = 0; i < 20'000; ++i) {
    dialogue d{said::holder, said::window};
    for (auto lines = engine() % 4; lines > 0; --lines) {
      auto line = honest[engine() % honest.size()];
      for (auto changes = engine() % 3; changes > 0; --changes)
        line[engine() % line.size()] = static_cast<char>(engine());
      d.hear(line);
    }
    d.close({.status = static_cast<int>(engine() % 3)});
    EXPECT_NE(d.now(), phase::asked);
    EXPECT_NE(d.now(), phase::granted);
    for (const auto& text : {d.why().sentence, d.why().precondition, d.end().sentence})
      EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; })) << text;
  }
}

TEST(answers, are_printable_and_bounded) {
  auto text = replaced(said::plan, "process 1", R"(\u001b[2Jpwned\n)" + std::string(5'000, 'x'));
  const auto p = read_plan(parse_object(text).value());
  ASSERT_TRUE(p) << p.error();
  EXPECT_THAT(p->preconditions.front().sentence, testing::StartsWith(R"(\x1b[2Jpwned\x0a)"));
  EXPECT_LT(p->preconditions.front().sentence.size(), 300u);

  std::string many = R"({"ok":true,"plan":true,"would":true,"preconditions":[)";
  for (int i = 0; i < 65; ++i) many += fmt::format(R"({}{{"name":"p","ok":true}})", i == 0 ? "" : ",");
  EXPECT_FALSE(read_plan(parse_object(many + "]}").value()));
  EXPECT_FALSE(parse_object("{\"x\":\"" + std::string(most_answer_bytes, ' ') + "\"}"));
}

TEST(answers, of_a_plan_agree_with_their_preconditions) {
  const auto plan_of = [](const std::string& text) { return read_plan(parse_object(text).value()); };
  EXPECT_TRUE(plan_of(said::plan)->would);
  EXPECT_EQ(plan_of(said::plan)->walks_graph, false);
  EXPECT_FALSE(plan_of(replaced(said::plan, R"("process","ok":true)", R"("process","ok":false)")));
  EXPECT_FALSE(plan_of(replaced(said::plan, R"("would":true)", R"("would":false)")));
  EXPECT_FALSE(plan_of(replaced(said::plan, R"("plan":true,)", "")));
  EXPECT_FALSE(plan_of(R"({"ok":true,"plan":true,"would":true,"preconditions":[]})"));
  const auto no = plan_of(replaced(replaced(said::plan, R"("process","ok":true)", R"("process","ok":false)"),
                                   R"("would":true)", R"("would":false)"));
  ASSERT_TRUE(no) << no.error();
  EXPECT_EQ(no->failed, "process");
  EXPECT_EQ(no->sentence, "process 1");
  EXPECT_EQ(no->walks_graph, std::nullopt);
}

}  // namespace
}  // namespace unwedge::rescuing
