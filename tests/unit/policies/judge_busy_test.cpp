// Busy is not hung: CPU time, bytes and a waiter that was woken.
#include "policies/judge.hpp"
#include "world.hpp"

#include <gtest/gtest.h>

#include <sys/syscall.h>

#include <algorithm>
#include <utility>

namespace unwedge::policies {
namespace {

using namespace fake;

TEST(judge, is_not_certain_when_the_waiter_was_woken_meanwhile) {
  const auto samples = seen_changing(held_by_migration(), [](process_facts& f, int i) {
    thread_of(f, migration_tid).context_switches += static_cast<std::uint64_t>(i);
  });
  const auto v = judged(samples, mirroring());
  EXPECT_EQ(in_one_line(v), "bql-held block-node:tgt uncertain");
  EXPECT_EQ(v->reasons.back(),
            "live_migration (tid 200) was woken 3 times meanwhile: something still moves.");
}

TEST(judge, says_busy_by_cpu) {
  for (const auto [share, expected] :
       {std::pair{0.005, "bql-held block-node:tgt certain"}, {0.5, "main-loop-busy"}}) {
    const auto samples = seen_changing(held_by_migration(), [&](process_facts& f, int i) {
      thread_of(f, migration_tid).cpu_ns += static_cast<std::uint64_t>(i * share * 5e8);
    });
    EXPECT_EQ(in_one_line(judged(samples, mirroring())), expected) << share;
  }
}

TEST(judge, says_busy_by_file_io) {
  auto facts = idle_process();
  thread_of(facts, main_tid) = blocked_in(thread(main_tid, "qemu-system-x86"), SYS_pwrite64, image_fd);
  const auto working = seen_changing(facts, [](process_facts& f, int i) {
    thread_of(f, main_tid).context_switches += static_cast<std::uint64_t>(i);
    f.written += static_cast<std::uint64_t>(i) * 65'536;
  });
  const auto v = judged(working, mirroring());
  EXPECT_EQ(in_one_line(v), "main-loop-busy");
  EXPECT_EQ(v->reasons.front(),
            "qemu-system-x86 (tid 100) reads or writes files, 196608 bytes since the first sample.");
  EXPECT_EQ(verdict_on(facts, mirroring()), "storage-wait file:/srv/web01.qcow2 certain");
}

TEST(judge, counts_one_that_was_busy_from_when_it_got_stuck) {
  auto busy = [](process_facts& f, int i) {
    if (i < 2) thread_of(f, migration_tid).syscall->args[0] = 0x9999;  // somewhere else
    thread_of(f, migration_tid).cpu_ns += static_cast<std::uint64_t>(std::min(i, 2)) * 400'000'000;
  };
  auto samples = seen_changing(held_by_migration(), busy);
  EXPECT_EQ(in_one_line(judged(samples, mirroring())), "main-loop-busy") << "0.5 s of it was still work";
  auto later = seen_at(samples.back(), {3.5, 4.0});
  samples.insert(samples.end(), later.begin(), later.end());
  EXPECT_EQ(in_one_line(judged(samples, mirroring())), "bql-held block-node:tgt certain");
}

}  // namespace
}  // namespace unwedge::policies
