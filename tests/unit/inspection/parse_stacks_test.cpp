// The helper's document, also from a helper that has fallen.
#include "daemon/inspection/parse_stacks.hpp"

#include "daemon/inspection/stacks_json.hpp"

#include <gmock/gmock.h>

namespace unwedge::inspection {
namespace {

namespace json = boost::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

std::string document(const json::value& threads, json::array problems = {}) {
  return json::serialize(json::object{{"pid", 20},
                                      {"threads", threads},
                                      {"total_stopped_us", 3'900.5},
                                      {"capture_us", 5'600.0},
                                      {"problems", std::move(problems)}});
}

json::object thread(int tid, json::array frames = {}) {
  return {{"tid", tid}, {"comm", "CPU 0/KVM"}, {"frames", std::move(frames)}, {"unwind", "complete"}};
}

json::object frame() {
  return {{"pc", "0x7f0010"},
          {"function", "ppoll"},
          {"offset", 166},
          {"module", "/lib/libc.so.6"},
          {"module_offset", "0xfe0a6"}};
}

TEST(stacks, are_read_the_main_thread_first) {
  const auto s = parse_stacks(document({thread(21), thread(20, {frame()})}, {"a thread has ended"}));
  ASSERT_TRUE(s) << s.error();
  ASSERT_THAT(s->threads, SizeIs(2));
  EXPECT_EQ(s->threads[0].tid, 20);
  ASSERT_THAT(s->threads[0].frames, SizeIs(1));
  const auto& f = s->threads[0].frames[0];
  EXPECT_EQ(f.function, "ppoll");
  EXPECT_EQ(f.offset, 166u);
  EXPECT_EQ(f.module, "/lib/libc.so.6");
  EXPECT_EQ(f.module_offset, 0xfe0a6u);
  EXPECT_EQ(s->stopped.count(), 3'900);
  EXPECT_EQ(s->took.count(), 5'600);
  EXPECT_THAT(s->problems, ElementsAre("a thread has ended"));
}

TEST(stacks, of_a_hostile_document_are_bounded) {
  const json::array frames(5'000, frame());
  json::array threads;
  for (int i = 1; i < 3'000; ++i) threads.push_back(thread(i));
  threads[0] = thread(1, frames);
  json::array problems;
  for (int i = 0; i < 1'000; ++i) problems.push_back(json::value(std::to_string(i)));
  const auto s = parse_stacks(document(threads, problems));
  ASSERT_TRUE(s) << s.error();
  EXPECT_THAT(s->threads, SizeIs(most_threads));
  EXPECT_THAT(s->problems, SizeIs(most_problems));
  for (const auto& t : s->threads) EXPECT_LE(t.frames.size(), most_frames);
}

TEST(stacks, have_printable_names_of_bounded_length) {
  auto f = frame();
  f["function"] = std::string(100'000, 'x');
  f["module"] = "\x1b[2J\nq";
  const auto s = parse_stacks(document({thread(20, {f})}));
  ASSERT_TRUE(s) << s.error();
  EXPECT_LT(s->threads[0].frames[0].function.size(), 300u);
  EXPECT_THAT(s->threads[0].frames[0].module, Not(HasSubstr("\x1b")));
  EXPECT_THAT(json::serialize(to_json(*s)), Not(HasSubstr("\x1b")));
}

TEST(stacks, that_are_none_are_left_out_and_said) {
  const auto s = parse_stacks(document(
      {thread(20), thread(20), 7, nullptr, json::object{{"tid", -1}, {"frames", json::array{}}}, thread(0)}));
  ASSERT_TRUE(s) << s.error();
  EXPECT_THAT(s->threads, SizeIs(1));
  EXPECT_THAT(s->problems, ElementsAre("a part of the result cannot be read"));
}

TEST(document, that_is_none_is_an_error) {
  for (const auto& text :
       {std::string(), std::string("garbage"), std::string("[]"), std::string("{\"threads\":7}"),
        std::string(100'000, '['), std::string(most_document_bytes + 1, ' ')})
    EXPECT_FALSE(parse_stacks(text)) << text.substr(0, 20);
  const auto s = parse_stacks(R"({"threads":[],"total_stopped_us":-1e300,"capture_us":1e300})");
  ASSERT_TRUE(s);
  EXPECT_EQ(s->stopped.count(), 0);
  EXPECT_EQ(s->took, std::chrono::hours(1));
  EXPECT_THAT(s->threads, IsEmpty());
}

}  // namespace
}  // namespace unwedge::inspection
