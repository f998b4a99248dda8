// Stacks of processes whose stacks are known.
#include "tests/unit/inspect/inspection.hpp"
#include "tests/unit/inspect/situations.hpp"

#include <gmock/gmock.h>

#include <filesystem>

namespace unwedge::inspect {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

struct place {
  void (*function)();
  const char* name;
  const char* innermost;  // what libc calls it; "": the function itself
};

const std::array places{
    place{sits_in_poll, "sits_in_poll", "poll"}, place{sits_in_futex, "sits_in_futex", "syscall"},
    place{sits_in_nanosleep, "sits_in_nanosleep", "clock_nanosleep"},
    place{sits_in_read, "sits_in_read", "read"}, place{sits_in_a_loop, "sits_in_a_loop", ""}};

class one_thread : public testing::TestWithParam<place> {};

TEST_P(one_thread, shows_where_it_sits_down_to_the_start_of_the_thread) {
  auto& memory = shared::create();
  child c{[&] { start_threads(std::array{GetParam().function}, memory); }};
  ASSERT_TRUE(settled(c, memory, 1, GetParam().function == sits_in_a_loop ? 1 : 0));
  const auto r = inspect_process(c.pid());
  EXPECT_EQ(r.status, 0) << r.printed;
  EXPECT_EQ(problems_of(r), "");
  const auto thread = thread_of(r, memory.tids[0]);
  const auto functions = functions_of(thread);
  EXPECT_THAT(functions, Contains(GetParam().name));
  EXPECT_THAT(functions, Contains(testing::AnyOf(StartsWith("__clone3"), StartsWith("clone"))));
  EXPECT_EQ(text_of(thread, "unwind"), "complete");
  if (*GetParam().innermost != '\0')
    EXPECT_THAT(functions.at(0), HasSubstr(GetParam().innermost));
  else
    EXPECT_EQ(functions.at(0), GetParam().name);
}

INSTANTIATE_TEST_SUITE_P(blocked_or_not, one_thread, testing::ValuesIn(places),
                         [](const auto& p) { return p.param.name; });

TEST(document, has_the_threads_what_they_stood_still_and_the_sum) {
  auto& memory = shared::create();
  child c{[&] {
    start_threads(std::array{sits_in_poll, sits_in_read}, memory);
    ::prctl(PR_SET_NAME, "main one");
  }};
  ASSERT_TRUE(settled(c, memory, 2));
  const auto r = inspect_process(c.pid());
  ASSERT_EQ(r.status, 0) << r.printed;
  EXPECT_EQ(r.document.at("pid").to_number<pid_t>(), c.pid());
  const auto& threads = r.document.at("threads").as_array();
  ASSERT_THAT(threads, SizeIs(3));
  EXPECT_EQ(threads[0].at("tid").to_number<pid_t>(), c.pid());  // the main thread first
  EXPECT_EQ(threads[0].at("comm").as_string(), "main one");
  EXPECT_EQ(threads[0].at("state").as_string(), "S");
  double sum = 0;
  for (const auto& t : threads) {
    EXPECT_GT(t.at("stopped_us").as_double(), 0);
    sum += t.at("stopped_us").as_double();
  }
  EXPECT_NEAR(r.document.at("total_stopped_us").as_double(), sum, 0.01);
  EXPECT_GE(r.document.at("capture_us").as_double(), sum);
}

TEST(frame, has_addresses_that_its_module_maps) {
  auto& memory = shared::create();
  child c{[&] { start_threads(std::array{sits_in_poll}, memory); }};
  ASSERT_TRUE(settled(c, memory, 1));
  const auto thread = thread_of(inspect_process(c.pid()), memory.tids[0]);
  const auto own = std::string{std::filesystem::canonical("/proc/self/exe")};
  for (const auto& f : thread.at("frames").as_array()) {
    if (f.at("function").is_null() || f.at("function").as_string() != "sits_in_poll") continue;
    EXPECT_EQ(f.at("module").as_string(), own);
    const auto pc = std::stoull(std::string{f.at("pc").as_string()}, nullptr, 16);
    const auto begin = reinterpret_cast<std::uint64_t>(&sits_in_poll);  // forked: the same addresses as here
    EXPECT_EQ(pc, begin + f.at("offset").to_number<std::uint64_t>());
    EXPECT_LT(pc - begin, 4'096u);
    return;
  }
  FAIL() << "no such frame";
}

TEST(stack, that_is_deeper_than_the_limit_is_truncated) {
  auto& memory = shared::create();
  child c{[&] { start_threads(std::array{sits_deep}, memory); }};
  ASSERT_TRUE(settled(c, memory, 1));
  const auto r = inspect_process(c.pid());
  const auto thread = thread_of(r, memory.tids[0]);
  EXPECT_THAT(thread.at("frames").as_array(), SizeIs(128));
  EXPECT_EQ(text_of(thread, "unwind"), "truncated");
}

TEST(all_threads, of_many_are_there) {
  auto& memory = shared::create();
  child c{[&] { start_threads(std::vector<void (*)()>(200, sits_in_poll), memory); }};
  ASSERT_TRUE(settled(c, memory, 200));
  const auto r = inspect_process(c.pid(), {"--any-process", "--deadline", "60s"});
  EXPECT_EQ(problems_of(r), "");
  ASSERT_THAT(r.document.at("threads").as_array(), SizeIs(201));
  for (std::size_t i = 0; i < 200; ++i) {
    const auto thread = thread_of(r, memory.tids[i]);
    ASSERT_THAT(functions_of(thread), Contains("sits_in_poll"));
    ASSERT_EQ(text_of(thread, "unwind"), "complete");
  }
}

TEST(threads, beyond_the_limit_are_a_problem) {
  auto& memory = shared::create();
  child c{[&] {
    for (int i = 0; i < 520; ++i) std::thread{sits_in_poll}.detach();
    ++memory.ready;
  }};
  ASSERT_TRUE(eventually([&] { return memory.ready == 1 && states_of(c.pid()).size() == 521; }));
  const auto r = inspect_process(c.pid(), {"--any-process", "--deadline", "60s"});
  EXPECT_EQ(r.status, 0);
  EXPECT_THAT(r.document.at("threads").as_array(), SizeIs(512));
  EXPECT_THAT(problems_of(r), HasSubstr("threads: only the first 512"));
}

TEST(threads, go_on_after_it) {
  auto& memory = shared::create();
  child c{[&] { start_counting(12, memory); }};
  ASSERT_TRUE(eventually([&] { return memory.ready == 12; }));
  for (int i = 0; i < 10; ++i) {
    const auto r = inspect_process(c.pid());
    EXPECT_EQ(r.status, 0) << r.printed;
    std::array<std::uint64_t, 12> before;
    for (std::size_t n = 0; n < 12; ++n) before[n] = memory.counters[n];
    for (std::size_t n = 0; n < 12; ++n)
      EXPECT_TRUE(eventually([&] { return memory.counters[n] > before[n]; })) << n;
    for (const auto& [tid, state] : states_of(c.pid())) EXPECT_NE(state, 't') << tid;
  }
}

TEST(system_calls, that_it_interrupts_are_restarted) {
  auto& memory = shared::create();
  child c{[&] {
    start_threads(std::array{sits_in_read, sits_in_nanosleep, sits_in_futex},
                  memory);  // read: ends on any return
  }};
  ASSERT_TRUE(settled(c, memory, 3));
  for (int i = 0; i < 5; ++i) {
    const auto r = inspect_process(c.pid());
    ASSERT_EQ(r.status, 0) << r.printed;
    EXPECT_THAT(functions_of(thread_of(r, memory.tids[0])), Contains("sits_in_read"));
  }
  EXPECT_THAT(states_of(c.pid()), SizeIs(4));
}

TEST(processes, that_end_in_the_middle_end_the_inspection_early_and_not_badly) {
  for (int i = 0; i < 40; ++i) {
    auto& memory = shared::create();
    child c{[&] { start_threads(std::vector<void (*)()>(60, sits_in_poll), memory); }};
    ASSERT_TRUE(settled(c, memory, 60));
    inspection run{c.pid()};
    eventually([&] { return run.worker() != 0; });
    ::usleep(static_cast<useconds_t>(i * 250));
    c.reap();
    const auto r = run.finish();
    EXPECT_TRUE(r.status == 0 || r.status == 1) << r.status;
    EXPECT_TRUE(r.document.contains("threads")) << r.printed;
    if (r.status == 1) EXPECT_NE(problems_of(r), "") << r.printed;
  }
}

}  // namespace
}  // namespace unwedge::inspect
