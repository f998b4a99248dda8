// What a sample says of threads: who owns a lock, states, names, and threads that come and go.
#include "tests/unit/evidence/child.hpp"

#include <gmock/gmock.h>

#include <linux/futex.h>
#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include <atomic>
#include <set>

namespace unwedge::evidence {
namespace {

using testing::IsEmpty;

// A second thread takes a mutex of this type for ever, then the main thread wants it: the seed bug in small.
void wait_for_a_mutex(int type) {
  static pthread_mutex_t mutex;
  pthread_mutexattr_t attributes;
  ::pthread_mutexattr_init(&attributes);
  ::pthread_mutexattr_settype(&attributes, type);
  ::pthread_mutex_init(&mutex, &attributes);
  static std::atomic<bool> held = false;
  std::thread{[] {
    ::prctl(PR_SET_NAME, "mig/src/main");
    ::pthread_mutex_lock(&mutex);
    held = true;
    for (;;) ::pause();
  }}.detach();
  while (!held) std::this_thread::yield();
  ::pthread_mutex_lock(&mutex);
}

class mutex_owner : public testing::TestWithParam<int> {};

TEST_P(mutex_owner, is_the_thread_that_holds_it) {
  child c{[] { wait_for_a_mutex(GetParam()); }};
  const auto held = hold(c.pid());
  const auto facts = sample_until(held, [](const auto& f) {
    // A thread is seen on its way to sleep: its state is read a moment before its call.
    return f.threads.size() >= 2 && f.threads[0].waits_for && f.threads[0].waits_for->owner != 0 &&
           f.threads[0].sleeping;
  });
  ASSERT_GE(facts.threads.size(), 2u);
  ASSERT_TRUE(facts.threads[0].waits_for);
  const auto owner = facts.threads[0].waits_for->owner;
  const auto holder = std::ranges::find(facts.threads, owner, &policies::thread_facts::tid);
  ASSERT_NE(holder, facts.threads.end()) << owner;
  EXPECT_EQ(holder->comm, "mig/src/main");
  EXPECT_EQ(facts.threads[0].tid, c.pid());
  EXPECT_TRUE(facts.threads[0].sleeping);
  EXPECT_FALSE(holder->waits_for);
  EXPECT_THAT(facts.missing, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(of_type, mutex_owner,
                         testing::Values(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ERRORCHECK,
                                         PTHREAD_MUTEX_RECURSIVE));

TEST(lock, that_names_no_thread_of_the_process_has_no_owner) {
  const pid_t stranger = ::getpid();
  child c{[&] {
    int words[4] = {2, 1, stranger, 1};
    ::syscall(SYS_futex, words, FUTEX_WAIT_PRIVATE, 2, nullptr, nullptr, 0);
  }};
  const auto held = hold(c.pid());
  const auto facts = sample_blocked_in(held, SYS_futex);
  ASSERT_TRUE(facts.threads.at(0).waits_for);
  EXPECT_EQ(facts.threads[0].waits_for->owner, 0);
}

TEST(lock, is_no_condition_variable) {
  child c{[] {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t never = PTHREAD_COND_INITIALIZER;
    ::pthread_mutex_lock(&mutex);
    for (;;) ::pthread_cond_wait(&never, &mutex);
  }};
  const auto facts = sample_blocked_in(hold(c.pid()), SYS_futex);
  EXPECT_TRUE(facts.threads.at(0).sleeping);
  EXPECT_FALSE(facts.threads[0].waits_for);
}

TEST(thread, that_is_stopped_says_so) {
  child c{[] {}};
  c.kill(SIGSTOP);
  const auto facts = sample_until(hold(c.pid()), [](const auto& f) { return f.threads.at(0).state == 'T'; });
  EXPECT_EQ(facts.threads.at(0).state, 'T');
  EXPECT_FALSE(facts.threads[0].sleeping);
  EXPECT_EQ(facts.tracer, 0);
}

TEST(process_facts, name_the_tracer) {
  child c{[] {}};
  ASSERT_EQ(::ptrace(PTRACE_SEIZE, c.pid(), nullptr, nullptr), 0);
  EXPECT_EQ(sample_now(hold(c.pid())).tracer, ::getpid());
  ::ptrace(PTRACE_INTERRUPT, c.pid(), nullptr, nullptr);
  const auto facts = sample_until(hold(c.pid()), [](const auto& f) { return f.threads.at(0).state == 't'; });
  EXPECT_EQ(facts.threads.at(0).state, 't');
}

TEST(thread, may_be_called_anything) {
  child c{[] { ::prctl(PR_SET_NAME, ") R 1 (\n\x1b\xff"); }};
  const auto held = hold(c.pid());
  const auto facts = sample_until(held, [](const auto& f) { return f.threads.at(0).comm.starts_with(')'); });
  EXPECT_EQ(facts.threads.at(0).comm, ") R 1 (\\x0a\\x1b\\xff");
  EXPECT_EQ(facts.threads[0].state, 'S');
}

TEST(thread, that_computes_shows_its_cpu_time) {
  child c{[] {
    for (volatile unsigned n = 0;; n = n + 1) {
    }
  }};
  const auto held = hold(c.pid());
  const auto first = sample_now(held);
  const auto later =
      sample_until(held, [&](const auto& f) { return f.threads[0].cpu_ns > first.threads[0].cpu_ns; });
  EXPECT_GT(later.threads.at(0).cpu_ns, first.threads.at(0).cpu_ns);
  EXPECT_FALSE(later.threads[0].sleeping);
  ASSERT_TRUE(later.threads[0].syscall);
  EXPECT_EQ(later.threads[0].syscall->number, -1);
}

TEST(thread, that_wakes_and_sleeps_shows_context_switches_and_io) {
  child c{[] {
    const int null = ::open("/dev/null", O_WRONLY);
    for (;;) {
      if (::write(null, "0123456789", 10) != 10) ::_exit(1);
      ::usleep(1000);
    }
  }};
  const auto held = hold(c.pid());
  const auto first = sample_now(held);
  const auto later = sample_until(held, [&](const auto& f) {
    return f.threads[0].context_switches > first.threads[0].context_switches && f.written > first.written;
  });
  EXPECT_GT(later.threads.at(0).context_switches, first.threads.at(0).context_switches);
  EXPECT_GE(later.written, first.written + 10);
}

// Threads that live for microseconds, for as long as the process does.
void churn() {
  for (int i = 0; i < 4; ++i)
    std::thread{[] {
      for (;;) std::thread{[] { std::this_thread::yield(); }}.join();
    }}.detach();
}

void expect_sane_samples(const process& held, std::chrono::steady_clock::time_point end) {
  while (std::chrono::steady_clock::now() < end) {
    const auto facts = sample_now(held);
    ASSERT_TRUE(facts.alive);
    ASSERT_FALSE(facts.threads.empty());
    EXPECT_EQ(facts.threads[0].tid, held.pid());
    EXPECT_THAT(facts.missing, IsEmpty());
    std::set<pid_t> tids;
    for (const auto& thread : facts.threads) {
      EXPECT_TRUE(tids.insert(thread.tid).second);
      EXPECT_FALSE(thread.comm.empty());
      EXPECT_TRUE(thread.syscall);
    }
  }
}

TEST(threads, may_come_and_go_while_two_samplers_look) {
  child c{churn};
  const auto held = hold(c.pid());
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{2};
  std::thread other{[&] { expect_sane_samples(held, end); }};
  expect_sane_samples(held, end);
  other.join();
}

TEST(threads, may_end_with_the_process_in_the_middle_of_a_sample) {
  for (int i = 0; i < 30; ++i) {
    child c{churn};
    const auto held = hold(c.pid());
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
    std::thread killer{[&] { c.kill(SIGKILL); }};
    const auto facts = sample_until(held, [](const auto& f) { return !f.alive; });
    killer.join();
    EXPECT_FALSE(facts.alive);
    EXPECT_THAT(facts.threads, IsEmpty());
  }
}

}  // namespace
}  // namespace unwedge::evidence
