// A lease on a process that hangs as a QEMU does: given away, taken back, nothing else changed.
#include "daemon/evidence/proc_files.hpp"
#include "tests/unit/rescue/rescue_run.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <random>

namespace unwedge::rescue {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using testing::HasSubstr;

constexpr bool sanitized =
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    true;
#else
    false;
#endif

void expect_unharmed(const hung_child& c) {
  EXPECT_TRUE(c.alive());
  EXPECT_EQ(c.seen().broken, 0u) << "check " << c.seen().first_broken;
}

TEST(lease, gives_the_mutex_to_the_main_thread_and_takes_it_back) {
  hung_child c;
  ASSERT_TRUE(c.hangs());
  EXPECT_EQ(c.seen().taken, 0u);
  if (!sanitized) EXPECT_GE(c.seen().compared, 8u) << "hardly a vector register is looked at";
  rescue_run run{lease_of(c)};
  ASSERT_TRUE(run.granted());
  EXPECT_TRUE(eventually([&] { return c.seen().taken > 10; })) << "the main thread did not get it";
  EXPECT_EQ(c.seen().wakeups, 0u) << "the holder came back in the middle of the window";
  const auto d = run.finish();
  EXPECT_EQ(d.status, 0) << d.printed;
  EXPECT_TRUE(d.last.at("returned").as_bool());
  EXPECT_EQ(d.last.at("ended_by").as_string(), "time");
  EXPECT_TRUE(eventually([&] { return c.seen().wakeups == 1; }));
  EXPECT_EQ(c.seen().interrupted, 1u);
  ASSERT_TRUE(c.hangs()) << "the holder does not have the mutex again";
  const auto taken = c.seen().taken.load();
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(c.seen().taken, taken);
  expect_unharmed(c);
}

TEST(lease, stops_the_holder_for_less_than_a_millisecond_at_the_median) {
  if (sanitized) GTEST_SKIP() << "sanitizers take their time";
  hung_child c;
  std::vector<std::int64_t> stops;
  for (int i = 0; i < 15; ++i) {
    ASSERT_TRUE(c.hangs());
    const auto d = run(lease_of(c, {"--window", "10"}));
    ASSERT_TRUE(d.ok()) << d.printed;
    // Not how long it waits for a CPU to come to its stop, which is the host's affair.
    stops.push_back(d.granted.at("operated_ns").as_int64());
  }
  std::ranges::sort(stops);
  EXPECT_LT(stops[stops.size() / 2], 1'000'000);
  expect_unharmed(c);
}

TEST(lease, is_possible_where_only_frame_pointers_lead_through_the_stack) {
  hung_child c{{.plainly = true}};
  ASSERT_TRUE(c.hangs());
  const auto d = run(lease_of(c));
  EXPECT_TRUE(d.ok()) << d.printed;
  EXPECT_TRUE(eventually([&] { return c.seen().interrupted == 1; }));
  EXPECT_GT(c.seen().taken, 0u);
  EXPECT_TRUE(c.hangs());
  expect_unharmed(c);
}

TEST(lease, knows_the_owner_by_its_number_in_its_own_namespace) {
  if (::geteuid() != 0) GTEST_SKIP() << "a pid namespace takes CAP_SYS_ADMIN";
  hung_child c{{.namespaced = true}};
  ASSERT_TRUE(c.hangs());
  ASSERT_NE(c.holder(), c.seen().holder);
  const auto d = run(lease_of(c));
  EXPECT_TRUE(d.ok()) << d.printed;
  EXPECT_TRUE(eventually([&] { return c.seen().interrupted == 1; }));
  ASSERT_TRUE(c.hangs());
  expect_unharmed(c);
}

TEST(lease, ends_early_at_a_word) {
  hung_child c;
  ASSERT_TRUE(c.hangs());
  rescue_run run{lease_of(c, {"--window", "20000"})};
  ASSERT_TRUE(run.granted());
  const auto began = steady_clock::now();
  ASSERT_TRUE(eventually([&] { return c.seen().taken > 0; }));
  run.say("end\n");
  const auto d = run.finish();
  EXPECT_LT(steady_clock::now() - began, 5s);
  EXPECT_TRUE(d.ok()) << d.printed;
  EXPECT_EQ(d.last.at("ended_by").as_string(), "command");
  EXPECT_GT(d.last.at("end_stopped_ns").as_int64(), 0);
  EXPECT_TRUE(c.hangs());
  EXPECT_EQ(c.seen().interrupted, 1u);
  expect_unharmed(c);
}

/// A job that was cut off may have paused by then, and must not go on.
TEST(lease, runs_out_when_nobody_can_say_the_word_any_more) {
  hung_child c;
  ASSERT_TRUE(c.hangs());
  rescue_run run{lease_of(c, {"--window", "800"})};
  ASSERT_TRUE(run.granted());
  run.close_input();
  const auto d = run.finish();
  EXPECT_TRUE(d.ok()) << d.printed;
  EXPECT_EQ(d.last.at("ended_by").as_string(), "time");
  EXPECT_GE(d.last.at("lasted_ms").as_int64(), 800);
  EXPECT_TRUE(c.hangs());
  EXPECT_EQ(c.seen().interrupted, 1u);
  expect_unharmed(c);
}

TEST(lease, is_not_begun_for_somebody_who_is_gone) {
  hung_child c;
  ASSERT_TRUE(c.hangs());
  const auto switches = c.switches();
  rescue_run run{lease_of(c)};
  run.close_input();
  const auto d = run.finish();
  EXPECT_EQ(d.status, 1);
  EXPECT_EQ(d.failed(), "asked-for") << d.printed;
  EXPECT_EQ(c.switches(), switches);
}

TEST(lease, is_ended_in_order_also_as_the_service_ends) {
  hung_child c;
  ASSERT_TRUE(c.hangs());
  rescue_run run{lease_of(c, {"--window", "1500"})};
  ASSERT_TRUE(run.granted());
  ::kill(run.pid(), SIGTERM);
  ASSERT_TRUE(eventually([&] { return c.seen().taken > 10; }));
  run.close_input();
  const auto d = run.finish();
  EXPECT_TRUE(d.ok()) << d.printed;
  EXPECT_EQ(d.last.at("ended_by").as_string(), "time");
  EXPECT_TRUE(c.hangs());
  expect_unharmed(c);
}

TEST(lease, can_be_had_again) {
  hung_child c;
  for (std::uint64_t i = 1; i <= 5; ++i) {
    ASSERT_TRUE(c.hangs());
    ASSERT_TRUE(run(lease_of(c, {"--window", "30"})).ok());
    ASSERT_TRUE(eventually([&] { return c.seen().interrupted == i; }));
  }
  expect_unharmed(c);
}

TEST(lease, gives_away_several_mutexes_as_often_as_they_are_held) {
  hung_child c{{.second = true}};
  ASSERT_TRUE(c.hangs());
  ASSERT_TRUE(eventually([&] { return c.seen().second_waiter != 0; }));
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(c.seen().second_taken, 0u);
  rescue_run run{lease_of(
      c, {"--mutex", fmt::format("{:#x}", c.mutex()), "--mutex", fmt::format("{:#x}", c.second_mutex())})};
  ASSERT_TRUE(run.granted());
  EXPECT_TRUE(eventually([&] { return c.seen().taken > 0 && c.seen().second_taken > 0; }));
  EXPECT_TRUE(run.finish().ok());
  EXPECT_TRUE(eventually([&] { return c.seen().interrupted == 1; }));
  ASSERT_TRUE(c.hangs());
  expect_unharmed(c);  // the holder has counted: the second three times
}

TEST(lease, is_not_cut_short_by_signals_and_loses_none) {
  hung_child c;
  ASSERT_TRUE(c.hangs());
  rescue_run run{lease_of(c, {"--window", "300"})};
  ASSERT_TRUE(run.granted());
  ASSERT_TRUE(eventually([&] { return c.seen().taken > 0; }));
  for (int i = 0; i < 20; ++i) {
    c.send(SIGUSR1);
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_EQ(c.seen().signals, 0u);
  EXPECT_EQ(c.seen().wakeups, 0u);
  const auto d = run.finish();
  EXPECT_GE(d.last.at("lasted_ms").as_int64(), 300);
  EXPECT_TRUE(
      eventually([&] { return c.seen().signals > 0; }));  // one of a kind is pending at most: signal(7)
  ASSERT_TRUE(eventually([&] { return c.seen().interrupted > 0; }));
  ASSERT_TRUE(c.hangs());
  expect_unharmed(c);
}

TEST(lease, outlives_a_stop_of_the_whole_process) {
  hung_child c;
  ASSERT_TRUE(c.hangs());
  rescue_run run{lease_of(c, {"--window", "300"})};
  ASSERT_TRUE(run.granted());
  ::kill(c.pid(), SIGSTOP);
  std::this_thread::sleep_for(100ms);
  ::kill(c.pid(), SIGCONT);
  EXPECT_TRUE(run.finish().ok());
  EXPECT_TRUE(eventually([&] { return c.seen().interrupted > 0; }));
  ASSERT_TRUE(c.hangs());
  expect_unharmed(c);
}

TEST(lease, says_so_if_the_process_ends_meanwhile) {
  hung_child c{{.quits = true}};
  ASSERT_TRUE(c.hangs());
  const auto d = run(lease_of(c, {"--window", "20000"}));
  EXPECT_EQ(d.status, 1);
  EXPECT_EQ(d.last.at("ended_by").as_string(), "exit") << d.printed;
}

TEST(second_lease, is_refused_while_one_runs) {
  hung_child c;
  ASSERT_TRUE(c.hangs());
  rescue_run first{lease_of(c, {"--window", "20000"})};
  ASSERT_TRUE(first.granted());
  ASSERT_TRUE(eventually([&] { return c.seen().taken > 0; }));
  const auto second = run(lease_of(c));
  EXPECT_EQ(second.status, 1);
  EXPECT_THAT(second.printed, HasSubstr(fmt::format("a lease is running in thread {}", c.holder())));
  first.say("end\n");
  EXPECT_TRUE(first.finish().ok());
  EXPECT_TRUE(c.hangs());
  expect_unharmed(c);
}

TEST(leases, asked_for_at_once_are_granted_one_after_the_other_or_refused) {
  hung_child c;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(c.hangs());
    const auto before = c.seen().interrupted.load();
    rescue_run one{lease_of(c, {"--window", "50"})}, other{lease_of(c, {"--window", "50"})};
    const auto a = one.finish(), b = other.finish();
    const auto granted = static_cast<std::uint64_t>(a.ok()) + static_cast<std::uint64_t>(b.ok());
    EXPECT_GE(granted, 1u) << a.printed << b.printed;
    ASSERT_TRUE(eventually([&] { return c.seen().interrupted == before + granted; }));
  }
  ASSERT_TRUE(c.hangs());
  expect_unharmed(c);
}

// More with UNWEDGE_RESCUE_KILLS.
int kills() {
  const char* asked = std::getenv("UNWEDGE_RESCUE_KILLS");
  return asked == nullptr ? 60 : std::clamp(std::atoi(asked), 1, 100'000);
}

bool traced(const hung_child& c) {
  evidence::proc_reader files;
  const auto status =
      files.read(AT_FDCWD, fmt::format("/proc/{}/task/{}/status", c.pid(), c.holder()).c_str());
  return status && evidence::number_after(*status, "TracerPid:").value_or(0) != 0;
}

TEST(lease, ends_by_itself_when_the_helper_is_killed_at_any_instant) {
  hung_child c;
  std::mt19937 engine{20'251'125};
  int begun = 0, held = 0;
  for (int i = 0; i < kills(); ++i) {
    ASSERT_TRUE(c.hangs());
    const auto taken = c.seen().taken.load();
    rescue_run run{lease_of(c, {"--window", "30"})};
    // Three kinds of instants: while it holds the thread, in the window or about its end, any.
    if (i % 3 == 0) {
      const auto end = steady_clock::now() + 1s;
      while (!traced(c) && steady_clock::now() < end) {
      }
      held += traced(c) ? 1 : 0;
      const auto until = steady_clock::now() + std::chrono::microseconds(engine() % 200);
      while (steady_clock::now() < until) {
      }
    } else if (i % 3 == 1) {
      ASSERT_TRUE(run.granted());
      if (i % 2 == 0) run.say("end\n");
      ::usleep(static_cast<useconds_t>(engine() % 40'000));
    } else {
      ::usleep(static_cast<useconds_t>(engine() % 200'000));
    }
    ASSERT_GT(run.pid(), 1);
    ::kill(run.pid(), SIGKILL);
    run.finish();
    ASSERT_TRUE(c.hangs()) << "kill " << i;  // the mutex is where it was
    ASSERT_FALSE(traced(c));
    begun += c.seen().taken != taken ? 1 : 0;
    ASSERT_EQ(c.seen().broken, 0u) << "kill " << i << ", check " << c.seen().first_broken;
    ASSERT_TRUE(c.alive());
  }
  EXPECT_GT(held, 0) << "none was killed while it held the thread";
  EXPECT_GT(begun, kills() / 4) << "hardly a lease began before the kill";
  EXPECT_TRUE(run(lease_of(c, {"--window", "30"})).ok());
  RecordProperty("kills", kills());
  RecordProperty("leases_begun", begun);
  RecordProperty("killed_while_traced", held);
}

}  // namespace
}  // namespace unwedge::rescue
