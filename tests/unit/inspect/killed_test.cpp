// The helper is killed at random instants: the target goes on as if nothing had been.
#include "tests/unit/inspect/inspection.hpp"
#include "tests/unit/inspect/situations.hpp"

#include <gmock/gmock.h>

#include <random>

namespace unwedge::inspect {
namespace {

using testing::HasSubstr;

constexpr std::size_t threads = 60;

// Every thread counts on, none is in a stop, nobody traces one.
void expect_all_go_on(pid_t pid, const shared& memory) {
  std::array<std::uint64_t, threads> before;
  for (std::size_t i = 0; i < threads; ++i) before[i] = memory.counters[i];
  const auto counts_on = [&](std::size_t i) { return memory.counters[i] > before[i] + 1; };
  for (std::size_t i = 0; i < threads; ++i)
    ASSERT_TRUE(eventually([&] { return counts_on(i); })) << "thread " << i << " stands still";
  const auto states = states_of(pid);
  ASSERT_EQ(states.size(), threads + 1);
  for (const auto& [tid, state] : states)
    ASSERT_THAT("tT", testing::Not(HasSubstr(std::string(1, state)))) << tid;
}

// When to kill: uniformly over the time from the worker's start on in which it traces, for the most part.
class random_instants {
 public:
  void wait() { ::usleep(static_cast<useconds_t>(up_to_(engine_))); }

 private:
  std::mt19937 engine_{20'241'124};
  std::uniform_int_distribution<int> up_to_{0, 8'000};  // us
};

TEST(target, goes_on_when_the_helper_is_killed_at_any_instant) {
  auto& memory = shared::create();
  child c{[&] { start_counting(threads, memory); }};
  ASSERT_TRUE(eventually([&] { return memory.ready == threads; }));
  random_instants instant;
  for (int i = 0; i < 100; ++i) {
    inspection run{c.pid()};
    ASSERT_TRUE(eventually([&] { return run.worker() != 0; }));
    const auto worker = run.worker();
    instant.wait();
    ::kill(run.pid(), SIGKILL);
    run.finish();
    ASSERT_TRUE(eventually([&] { return ::kill(worker, 0) != 0; })) << "the worker outlives the helper";
    ASSERT_NO_FATAL_FAILURE(expect_all_go_on(c.pid(), memory)) << "kill " << i;
  }
}

TEST(target, goes_on_when_the_worker_is_killed_and_the_document_says_what_is_missing) {
  auto& memory = shared::create();
  child c{[&] { start_counting(threads, memory); }};
  ASSERT_TRUE(eventually([&] { return memory.ready == threads; }));
  random_instants instant;
  int between_two_threads = 0;
  for (int i = 0; i < 100; ++i) {
    inspection run{c.pid()};
    ASSERT_TRUE(eventually([&] { return run.worker() != 0; }));
    const auto worker = run.worker();
    instant.wait();
    ::kill(worker, SIGKILL);
    const auto r = run.finish();
    ASSERT_TRUE(r.document.contains("threads")) << r.printed;
    const auto seen = r.document.at("threads").as_array().size();
    EXPECT_EQ(r.status, seen == 0 ? 1 : 0);
    if (seen < threads + 1) EXPECT_THAT(problems_of(r), HasSubstr("it was killed by signal 9"));
    if (seen > 0 && seen < threads + 1) ++between_two_threads;
    ASSERT_NO_FATAL_FAILURE(expect_all_go_on(c.pid(), memory)) << "kill " << i;
  }
  EXPECT_GT(between_two_threads, 10) << "the instants missed the part that they are about";
}

// A signal that comes while a thread is on its way into our stop must reach it, helper killed or not.
TEST(signals, are_not_lost) {
  auto& memory = shared::create();
  static shared* counts;  // for the handler
  counts = &memory;
  child c{[&] {
    struct sigaction action{};
    action.sa_handler = [](int) { ++counts->signals; };
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGRTMIN, &action, nullptr);
    start_counting(threads, memory);
  }};
  ASSERT_TRUE(eventually([&] { return memory.ready == threads; }));
  random_instants instant;
  std::uint64_t sent = 0;
  std::atomic<bool> over = false;
  std::thread sender{[&] {
    for (; !over; ::usleep(50))
      if (::sigqueue(c.pid(), SIGRTMIN, {}) == 0) ++sent;
  }};
  for (int i = 0; i < 60; ++i) {
    inspection run{c.pid()};
    if (!eventually([&] { return run.worker() != 0; })) break;
    if (i % 2 == 0) {
      instant.wait();
      ::kill(i % 4 == 0 ? run.pid() : run.worker(), SIGKILL);
    }
    run.finish();
  }
  over = true;
  sender.join();
  EXPECT_GT(sent, 1'000u);
  EXPECT_TRUE(eventually([&] { return memory.signals == sent; })) << memory.signals << " of " << sent;
}

}  // namespace
}  // namespace unwedge::inspect
