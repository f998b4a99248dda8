// The helper is killed at random instants: the target goes on as if nothing had been.
#include "daemon/evidence/process.hpp"
#include "daemon/inspect/tracing.hpp"
#include "tests/unit/inspect/inspection.hpp"
#include "tests/unit/inspect/situations.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <random>

namespace unwedge::inspect {
namespace {

using testing::HasSubstr;

using namespace std::chrono_literals;

constexpr std::size_t threads = 60;

// At random instants; more with UNWEDGE_INSPECT_KILLS.
int kills() {
  const char* asked = std::getenv("UNWEDGE_INSPECT_KILLS");
  return asked == nullptr ? 24 : std::clamp(std::atoi(asked), 1, 100'000);
}

// Of a worker that has ended in the meantime the number reads as 0: kill(0) is our whole process group, and
// kill(-1) everything. Read once, looked at before it is used.
pid_t worker_of(const inspection& run) {
  pid_t worker = 0;
  eventually([&] { return (worker = run.worker()) > 1; });
  return worker;
}

void kill_one(pid_t pid) {
  ASSERT_GT(pid, 1);
  ::kill(pid, SIGKILL);
}

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

// When to kill: half of the times at any instant, half of the times while it traces, as its second thread
// shows.
class random_instants {
 public:
  void wait(pid_t worker) {
    const bool aimed = ++count_ % 2 == 0;
    if (aimed)
      eventually([&] { return states_of(worker).size() == 2 || !evidence::process::open(worker); }, 0us);
    ::usleep(static_cast<useconds_t>(engine_() % (aimed ? 2'000 : 10'000)));
  }

 private:
  std::mt19937 engine_{20'241'124};
  unsigned count_ = 0;
};

TEST(target, goes_on_when_the_helper_is_killed_at_any_instant) {
  auto& memory = shared::create();
  child c{[&] { start_counting(threads, memory); }};
  ASSERT_TRUE(eventually([&] { return memory.ready == threads; }));
  random_instants instant;
  for (int i = 0; i < kills(); ++i) {
    inspection run{c.pid()};
    const auto worker = worker_of(run);
    ASSERT_GT(worker, 1);
    instant.wait(worker);
    ASSERT_NO_FATAL_FAILURE(kill_one(run.pid()));
    run.finish();
    ASSERT_TRUE(eventually([&] { return !evidence::process::open(worker); }))
        << "the worker outlives the helper";
    ASSERT_NO_FATAL_FAILURE(expect_all_go_on(c.pid(), memory)) << "kill " << i;
  }
}

TEST(target, goes_on_when_the_worker_is_killed_and_the_document_says_what_is_missing) {
  auto& memory = shared::create();
  child c{[&] { start_counting(threads, memory); }};
  ASSERT_TRUE(eventually([&] { return memory.ready == threads; }));
  random_instants instant;
  int during_capture = 0;
  for (int i = 0; i < kills(); ++i) {
    inspection run{c.pid(), {"--any-process", "--deadline", "60s"}};
    const auto worker = worker_of(run);
    ASSERT_GT(worker, 1);
    instant.wait(worker);
    ASSERT_NO_FATAL_FAILURE(kill_one(worker));
    const auto r = run.finish();
    ASSERT_TRUE(r.document.contains("threads")) << r.printed;
    const auto& seen = r.document.at("threads").as_array();
    EXPECT_EQ(r.status, seen.empty() ? 1 : 0);
    const auto uncaptured = std::ranges::count_if(
        seen, [](const auto& t) { return t.at("unwind").as_string() == "not captured"; });
    if (r.document.at("capture_us").is_null())
      EXPECT_THAT(problems_of(r), HasSubstr("it was killed by signal 9"));
    if (uncaptured == threads + 1) ++during_capture;  // all were seen, none has come back
    ASSERT_NO_FATAL_FAILURE(expect_all_go_on(c.pid(), memory)) << "kill " << i;
  }
  EXPECT_GT(during_capture, kills() / 20) << "the instants missed the part that they are about";
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
  for (int i = 0; i < kills(); ++i) {
    inspection run{c.pid()};
    const auto worker = worker_of(run);
    if (worker > 1 && i % 2 == 0) {
      instant.wait(worker);
      kill_one(i % 4 == 0 ? run.pid() : worker);
    }
    run.finish();
  }
  over = true;
  sender.join();
  EXPECT_GT(sent, 200u);
  EXPECT_TRUE(eventually([&] { return memory.signals == sent; })) << memory.signals << " of " << sent;
}

// The same instant, not left to chance: a child that counts, and its tracer, who knows of the signal.
class seized_child {
 public:
  seized_child() {
    static shared* counts;
    counts = &memory;
    child_.emplace([] {
      ::signal(SIGRTMIN, [](int) { ++counts->signals; });
      ++counts->ready;
    });
  }
  pid_t pid() const { return child_->pid(); }
  // As its tracer, which the caller becomes: the stop on the way to the signal.
  std::optional<stop> stop_at_signal() const {
    if (!seize(pid()) || ::sigqueue(pid(), SIGRTMIN, {}) != 0) return std::nullopt;
    std::optional<stop> at;
    eventually([&] { return (at = look_for_stop(pid()))->signal == SIGRTMIN; });
    return at;
  }

  shared& memory = shared::create();

 private:
  std::optional<child> child_;
};

TEST(signal, that_stops_the_thread_first_is_delivered_when_it_is_let_go) {
  const seized_child c;
  ASSERT_TRUE(eventually([&] { return c.memory.ready == 1; }));
  const auto at = c.stop_at_signal();
  ASSERT_TRUE(at);
  ASSERT_EQ(at->signal, SIGRTMIN);
  EXPECT_EQ(c.memory.signals, 0u);
  let_go(c.pid(), *at);
  EXPECT_TRUE(eventually([&] { return c.memory.signals == 1; }));
}

TEST(signal, that_a_killed_tracer_has_seen_reaches_the_thread) {
  const seized_child c;
  ASSERT_TRUE(eventually([&] { return c.memory.ready == 1; }));
  const pid_t tracer = ::fork();
  if (tracer == 0) {
    if (const auto at = c.stop_at_signal(); !at || at->signal == 0) ::_exit(1);
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(tracer, &status, 0), tracer);
  ASSERT_TRUE(WIFSIGNALED(status)) << status;
  EXPECT_TRUE(eventually([&] { return c.memory.signals == 1; }));
}

}  // namespace
}  // namespace unwedge::inspect
