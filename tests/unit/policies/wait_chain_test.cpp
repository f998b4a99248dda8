#include "policies/wait_chain.hpp"

#include "world.hpp"

#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

using namespace fake;

std::vector<pid_t> tids(const wait_chain& chain) {
  std::vector<pid_t> out;
  for (const auto* t : chain.threads) out.push_back(t->tid);
  return out;
}

TEST(wait_chain, of_a_thread_that_waits_for_nobody_is_itself) {
  const auto facts = idle_process();
  const auto chain = follow(facts);
  EXPECT_EQ(tids(chain), std::vector{main_tid});
  EXPECT_FALSE(chain.cycle || chain.broken);
}

TEST(wait_chain, follows_owner_after_owner) {
  auto facts = held_by_migration();
  thread_of(facts, migration_tid) =
      waiting_for(thread(migration_tid, "live_migration"), iothread_tid, 0x8000);
  const auto chain = follow(facts);
  EXPECT_EQ(tids(chain), (std::vector{main_tid, migration_tid, iothread_tid}));
  EXPECT_EQ(chain.end().comm, "IO io0");
  EXPECT_FALSE(chain.cycle || chain.broken);
}

TEST(wait_chain, ends_at_a_cycle) {
  auto facts = held_by_migration();
  thread_of(facts, migration_tid) = waiting_for(thread(migration_tid, "live_migration"), main_tid, 0x8000);
  EXPECT_TRUE(follow(facts).cycle);
  EXPECT_EQ(follow(facts).threads.size(), 2u);
}

TEST(wait_chain, is_broken_at_an_unknown_owner) {
  auto facts = held_by_migration();
  for (const pid_t owner : {0, 999, -1}) {
    thread_of(facts, main_tid).waits_for->owner = owner;
    EXPECT_TRUE(follow(facts).broken) << owner;
    EXPECT_EQ(follow(facts).threads.size(), 1u);
  }
}

TEST(wait_chain, is_the_same_wait_only_with_the_same_threads_locks_and_last_call) {
  const auto facts = held_by_migration();
  EXPECT_TRUE(same_wait(follow(facts), follow(facts)));
  const std::pair<const char*, std::function<void(process_facts&)>> changes[] = {
      {"lock", [](process_facts& f) { thread_of(f, main_tid).waits_for->address = 1; }},
      {"owner", [](process_facts& f) { thread_of(f, main_tid).waits_for->owner = vcpu_tid; }},
      {"no lock", [](process_facts& f) { thread_of(f, main_tid).waits_for.reset(); }},
      {"call", [](process_facts& f) { thread_of(f, migration_tid).syscall->number = 1; }},
      {"argument", [](process_facts& f) { thread_of(f, migration_tid).syscall->args[5] = 1; }},
      {"call unknown", [](process_facts& f) { thread_of(f, migration_tid).syscall.reset(); }}};
  for (const auto& [what, change] : changes) {
    auto other = facts;
    change(other);
    EXPECT_FALSE(same_wait(follow(facts), follow(other))) << what;
  }
}

TEST(cpu_share, is_of_the_time_between_first_and_last_sample) {
  auto samples = seen_at(idle_process(), {1.0, 2.0, 3.0});
  EXPECT_EQ(cpu_share(samples, main_tid), 0);
  thread_of(samples.back(), main_tid).cpu_ns += 1'000'000'000;
  EXPECT_DOUBLE_EQ(cpu_share(samples, main_tid), 0.5);
  EXPECT_EQ(cpu_share(std::span(samples).first(1), main_tid), 0) << "one sample tells nothing";
  EXPECT_EQ(cpu_share(samples, 999), 0) << "no such thread";
  thread_of(samples.back(), main_tid).cpu_ns = 0;
  EXPECT_EQ(cpu_share(samples, main_tid), 0) << "a counter that runs backwards is another thread's";
  EXPECT_EQ(cpu_share(seen_at(idle_process(), {1.0, 1.0}), main_tid), 0) << "no time passed";
}

}  // namespace
}  // namespace unwedge::policies
