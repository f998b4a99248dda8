#include "policies/sentence.hpp"

#include "world.hpp"

#include <gtest/gtest.h>

#include <sys/syscall.h>

namespace unwedge::policies {
namespace {

using namespace fake;
using namespace std::chrono_literals;

std::string sentence_on(const process_facts& facts, const vm_model& vm) {
  return sentence(*judged(seen_for_three_seconds(facts), vm), vm);
}

TEST(sentence, says_who_waits_for_whom) {
  EXPECT_EQ(sentence_on(held_by_migration("mig/src/main"), mirroring()),
            "monitor stalled 3.0 s. The main loop waits for the BQL, held by mig/src/main (tid 200), which "
            "polls for NBD node "
            "\"tgt\" (10.0.0.7:10809), silent for 8.0 s. Mirror m0, 41 % done.");
  EXPECT_EQ(sentence_on(main_polls_nested(), mirroring()),
            "monitor stalled 3.0 s. The main loop itself polls for NBD node \"tgt\" (10.0.0.7:10809), silent "
            "for 8.0 s. "
            "Mirror m0, 41 % done.");
  EXPECT_EQ(sentence_on(held_in_stream(SYS_sendmsg), migrating()),
            "monitor stalled 3.0 s. The main loop waits for the BQL, held by live_migration (tid 200), which "
            "sends on the "
            "migration stream (10.0.0.9:49200), silent for 8.0 s.");
  EXPECT_EQ(sentence_on(held_in_stream(SYS_recvmsg), migrating()),
            "monitor stalled 3.0 s. The main loop waits for the BQL, held by live_migration (tid 200), which "
            "waits for the "
            "migration stream (10.0.0.9:49200), silent for 8.0 s.");
  auto unknown = held_by_migration();
  unknown.sockets.clear();
  EXPECT_EQ(sentence_on(unknown, mirroring()),
            "monitor stalled 3.0 s. The main loop waits for the BQL, held by live_migration (tid 200), which "
            "waits for something unknown.");
  auto file = idle_process();
  thread_of(file, main_tid) = blocked_in(thread(main_tid, "qemu-system-x86"), SYS_fdatasync, image_fd);
  EXPECT_EQ(sentence_on(file, mirroring()), "monitor stalled 3.0 s. It waits for the file /srv/web01.qcow2.");
}

TEST(sentence, names_all_roots) {
  auto facts = held_by_migration();
  facts.sockets.push_back(dead_connection(other_nbd_fd, other_server));
  thread_of(facts, migration_tid).polled_fds.push_back(other_nbd_fd);
  auto vm = mirroring();
  add_nbd_node(vm, "two", other_server, true);
  EXPECT_EQ(sentence_on(facts, vm),
            "monitor stalled 3.0 s. The main loop waits for the BQL, held by live_migration (tid 200), which "
            "polls for NBD node "
            "\"tgt\" (10.0.0.7:10809), silent for 8.0 s and NBD node \"two\" (10.0.0.8:10809), silent for "
            "8.0 s. Mirror m0, 41 % done.");
}

TEST(sentence, of_the_other_verdicts_says_what_a_person_can_do) {
  const auto of = [](verdict_kind kind) {
    return sentence(verdict{.kind = kind, .since = at(0), .at = at(200)}, vm_model{});
  };
  EXPECT_EQ(
      of(verdict_kind::stopped),
      "monitor stalled 3 min 20 s. The process is stopped by a signal (SIGSTOP); SIGCONT lets it go on.");
  EXPECT_EQ(of(verdict_kind::traced), "monitor stalled 3 min 20 s. A debugger holds the process.");
  EXPECT_EQ(of(verdict_kind::main_loop_busy),
            "monitor stalled 3 min 20 s. The main loop is at work, not hung.");
  EXPECT_EQ(
      of(verdict_kind::lock_cycle),
      "monitor stalled 3 min 20 s. Threads wait for each other's locks in a cycle; nothing can free them.");
  EXPECT_EQ(of(verdict_kind::gone), "the process has ended without a shutdown.");
  vm_model vm;
  vm.shut_down = true;
  EXPECT_EQ(sentence(verdict{.kind = verdict_kind::gone}, vm), "shut down.");
}

TEST(sentence, counts_no_nonsense) {
  const struct {
    std::int64_t offset, len;
    const char* percent;
  } cases[] = {{0, 100, " 0 %"},
               {29, 100, " 29 %"},
               {99, 100, " 99 %"},
               {100, 100, " 100 %"},
               {150, 100, " 100 %"},
               {-5, 100, " 0 %"},
               {INT64_MAX, INT64_MAX, " 100 %"},
               {INT64_MAX / 2, INT64_MAX, " 50 %"},
               {INT64_MIN, 1, " 0 %"}};
  for (const auto& c : cases) {
    auto vm = mirroring();
    vm.jobs["m0"].offset = c.offset;
    vm.jobs["m0"].len = c.len;
    EXPECT_NE(sentence_on(held_by_migration(), vm).find(std::string("Mirror m0,") + c.percent + " done."),
              std::string::npos)
        << c.percent;
  }
  auto vm = mirroring();
  vm.jobs["m0"].len = 0;
  EXPECT_EQ(sentence_on(held_by_migration(), vm).find("Mirror"), std::string::npos);
}

TEST(in_words, reads_as_a_person_would_say_it) {
  const std::pair<std::chrono::nanoseconds, const char*> cases[] = {
      {0s, "0.0 s"},         {-1s, "0.0 s"},        {400ms, "0.4 s"},
      {4'249ms, "4.2 s"},    {9'949ms, "9.9 s"},    {9'950ms, "10 s"},
      {12s, "12 s"},         {59'499ms, "59 s"},    {59'500ms, "1 min"},
      {60s, "1 min"},        {200s, "3 min 20 s"},  {3'599s, "59 min 59 s"},
      {3'600s, "1 h 0 min"}, {7'500s, "2 h 5 min"}, {86'399s, "23 h 59 min"},
      {86'400s, "1 d 0 h"},  {273'600s, "3 d 4 h"}, {std::chrono::nanoseconds::max(), "106751 d 23 h"}};
  for (const auto& [duration, words] : cases) EXPECT_EQ(in_words(duration), words);
}

TEST(to_string, has_the_names_of_the_contract) {
  EXPECT_EQ(to_string(verdict_kind::bql_held), "bql-held");
  EXPECT_EQ(to_string(verdict_kind::main_loop_waits), "main-loop-waits");
  EXPECT_EQ(to_string(verdict_kind::storage_wait), "storage-wait");
  EXPECT_EQ(to_string(verdict_kind::main_loop_busy), "main-loop-busy");
  EXPECT_EQ(to_string(verdict_kind::lock_cycle), "lock-cycle");
  EXPECT_EQ(to_string(wait_root::kind::block_node), "block-node");
  EXPECT_EQ(to_string(wait_root::kind::migration), "migration");
}

}  // namespace
}  // namespace unwedge::policies
