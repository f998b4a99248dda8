// How much evidence a verdict needs, and what is said without one.
#include "policies/judge.hpp"
#include "world.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <utility>
#include <vector>

namespace unwedge::policies {
namespace {

using namespace fake;

TEST(judge, says_nothing_without_the_evidence) {
  const std::pair<const char*, std::function<void(process_facts&)>> cases[] = {
      {"no threads", [](process_facts& f) { f.threads.clear(); }},
      {"no main thread", [](process_facts& f) { f.threads.erase(f.threads.begin()); }},
      {"owner unreadable", [](process_facts& f) { thread_of(f, main_tid).waits_for->owner = 0; }},
      {"owner has ended",
       [](process_facts& f) {
         std::erase_if(f.threads, [](const auto& t) { return t.tid == migration_tid; });
       }},
      {"holder's call unreadable", [](process_facts& f) { thread_of(f, migration_tid).syscall.reset(); }},
      {"holder runs", [](process_facts& f) { thread_of(f, migration_tid).sleeping = false; }},
      {"main's call unreadable", [](process_facts& f) {
         thread_of(f, main_tid).syscall.reset();
         thread_of(f, main_tid).waits_for.reset();
       }}};
  for (const auto& [what, change] : cases) {
    auto facts = held_by_migration();
    change(facts);
    EXPECT_EQ(verdict_on(facts, mirroring()), "no verdict") << what;
  }
  EXPECT_EQ(in_one_line(judged({}, mirroring())), "no verdict");
}

TEST(judge, says_nothing_of_a_wait_that_changes) {
  const std::pair<const char*, std::function<void(process_facts&, int)>> cases[] = {
      {"another mutex", [](process_facts& f,
                           int i) { thread_of(f, main_tid).waits_for->address += static_cast<unsigned>(i); }},
      {"another call",
       [](process_facts& f, int i) {
         thread_of(f, migration_tid).syscall->args[0] += static_cast<unsigned>(i);
       }},
      {"another holder in between",
       [](process_facts& f, int i) {
         if (i == 3) thread_of(f, main_tid).waits_for->owner = vcpu_tid;
       }},
      {"no holder in between",
       [](process_facts& f, int i) {
         if (i == 3) thread_of(f, main_tid).waits_for->owner = 0;
       }},
      {"threads unreadable in between", [](process_facts& f, int i) {
         if (i == 3) f.threads.clear();
       }}};
  for (const auto& [what, change] : cases) {
    EXPECT_EQ(in_one_line(judged(seen_changing(held_by_migration(), change), mirroring())), "no verdict")
        << what;
  }
}

TEST(judge, respects_the_patience_to_the_millisecond) {
  const auto early = seen_at(held_by_migration(), {1.0, 2.0, 2.999});
  const auto late = seen_at(held_by_migration(), {1.0, 2.0, 3.0});
  EXPECT_EQ(in_one_line(judged(early, mirroring())), "no verdict");
  EXPECT_EQ(in_one_line(judged(late, mirroring())), "bql-held block-node:tgt certain");
  auto stopped = held_by_migration();
  thread_of(stopped, main_tid).state = 'T';
  EXPECT_EQ(in_one_line(judged(seen_at(stopped, {2.999}), mirroring())), "no verdict");
  EXPECT_EQ(in_one_line(judged(seen_at(stopped, {3.0}), mirroring())), "stopped");
}

TEST(judge, needs_three_samples_over_half_of_the_patience) {
  const std::pair<std::vector<double>, bool> cases[] = {
      {{1.0, 3.0}, false},     {{2.0, 2.5, 3.0}, false},     {{1.501, 2.0, 3.0}, false},
      {{1.5, 2.0, 3.0}, true}, {{1.0, 2.8, 2.9, 3.0}, true}, {{3.0}, false},
      {{3.0, 3.0, 3.0}, false}};
  for (const auto& [seconds, enough] : cases) {
    EXPECT_EQ(judged(seen_at(held_by_migration(), seconds), mirroring()).has_value(), enough);
  }
}

TEST(undecided, says_what_is_seen) {
  auto vm = mirroring();
  EXPECT_EQ(undecided({}, vm), "No evidence from the process yet.");
  auto facts = idle_process();
  EXPECT_EQ(undecided(std::vector{facts}, vm),
            "The main thread is in system call 271 (state S); no wait is proven.");
  vm.monitor.oob = false;
  EXPECT_EQ(undecided(std::vector{facts}, vm),
            "The main thread is in system call 271 (state S); no wait is proven, and there is no out-of-band "
            "channel.");
  thread_of(facts, main_tid).syscall.reset();
  EXPECT_EQ(undecided(std::vector{facts}, vm), "What the main thread does could not be read.");
  facts.missing = {"syscall of thread 100 and 3 more: Operation not permitted"};
  EXPECT_EQ(undecided(std::vector{facts}, vm),
            "Evidence is missing: syscall of thread 100 and 3 more: Operation not permitted.");
  facts.threads.clear();
  EXPECT_EQ(undecided(std::vector{facts}, vm), "No evidence from the process yet.");
}

}  // namespace
}  // namespace unwedge::policies
