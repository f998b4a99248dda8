// The document comes in time, whatever hangs.
#include "daemon/inspect/options.hpp"
#include "daemon/inspect/stop_limit.hpp"
#include "tests/unit/inspect/inspection.hpp"
#include "tests/unit/inspect/situations.hpp"

#include <gmock/gmock.h>

namespace unwedge::inspect {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using testing::HasSubstr;

TEST(deadline, ends_an_inspection_whose_worker_hangs) {
  auto& memory = shared::create();
  child c{[&] { start_counting(40, memory); }};
  ASSERT_TRUE(eventually([&] { return memory.ready == 40; }));
  for (int i = 0; i < 5; ++i) {
    const auto began = steady_clock::now();
    inspection run{c.pid(), {"--any-process", "--deadline", "400ms"}};
    pid_t worker = 0;  // read once: of a worker that has ended it reads as 0, and kill(0) is our whole group
    ASSERT_TRUE(eventually([&] { return (worker = run.worker()) > 1; }));
    ASSERT_GT(worker, 0);
    ::usleep(static_cast<useconds_t>(i * 1'000));
    ::kill(worker, SIGSTOP);
    const auto r = run.finish();
    EXPECT_LT(steady_clock::now() - began, 3s);
    ASSERT_TRUE(r.document.contains("problems")) << r.printed;
    // Stopped while a thread stood still, it was killed by stop_limit; else by the deadline.
    EXPECT_THAT(problems_of(r), testing::AnyOf(HasSubstr("the deadline of 400 ms passed"),
                                               HasSubstr("it was killed by signal 9")));
    for (const auto& [tid, state] : states_of(c.pid())) EXPECT_NE(state, 't') << tid;
  }
}

TEST(deadline, of_a_millisecond_gives_a_document_all_the_same) {
  auto& memory = shared::create();
  child c{[&] { start_threads(std::vector<void (*)()>(100, sits_in_poll), memory); }};
  ASSERT_TRUE(settled(c, memory, 100));
  const auto began = steady_clock::now();
  const auto r = inspect_process(c.pid(), {"--any-process", "--deadline", "1ms"});
  EXPECT_LT(steady_clock::now() - began, 2s);
  EXPECT_THAT(problems_of(r), HasSubstr("the deadline of 1 ms passed"));
}

TEST(stop_limit, kills_who_stops_others_for_too_long_even_if_he_sleeps) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    stop_limit limit{50ms};
    limit.arm();
    limit.disarm();
    ::usleep(100'000);  // disarmed: nothing happens
    limit.arm();
    ::usleep(10'000'000);
    ::_exit(0);
  }
  const auto began = steady_clock::now();
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
  EXPECT_GE(steady_clock::now() - began, 140ms);
}

TEST(duration, is_a_number_with_its_unit) {
  EXPECT_EQ(parse_duration("5s"), 5'000ms);
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  for (const char* text :
       {"", "5", "s", "0s", "-1s", "5 s", "5m", "1.5s", "301s", "99999999999999999999s", "5sx"})
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
}

}  // namespace
}  // namespace unwedge::inspect
