// The wait chain as people see it.
#include "daemon/ctl/render_chain.hpp"

#include <gmock/gmock.h>

#include <sys/syscall.h>

namespace unwedge::ctl {
namespace {

namespace json = boost::json;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

json::object thread(int tid, const char* comm, long call, json::object more = {}) {
  json::object t{{"tid", tid}, {"comm", comm}, {"state", "S"}};
  t["syscall"] = json::object{{"number", call}, {"args", json::array(6, 0)}};
  for (auto& [key, value] : more) t[key] = std::move(value);
  return t;
}

json::object waits_for(int owner, bool bql = false) {
  return {{"waits_for", json::object{{"mutex", 0x5612a0}, {"owner", owner}, {"count", 0}, {"bql", bql}}}};
}

json::object sample(json::array threads) {
  return {{"threads", std::move(threads)},
          {"sockets", json::array{json::object{{"fd", 12},
                                               {"local", "10.0.0.1:49152"},
                                               {"peer", "10.0.0.7:10809"},
                                               {"send_queue", 1234},
                                               {"receive_queue", 0}}}},
          {"files", json::array{json::object{{"fd", 4}, {"target", "anon_inode:[eventfd]"}},
                                json::object{{"fd", 5}, {"target", "anon_inode:[signalfd]"}}}}};
}

TEST(wait_chain, of_a_well_vm_is_its_main_loop) {
  const auto s = sample({thread(8613, "qemu-system-x86", SYS_ppoll, {{"polls", json::array{4, 5}}})});
  EXPECT_THAT(chain_lines(s, {}),
              ElementsAre("qemu-system-x86 (8613, main thread) sleeps in ppoll of 2 descriptors",
                          " |- fd 4: anon_inode:[eventfd]", " '- fd 5: anon_inode:[signalfd]"));
}

TEST(wait_chain, leads_over_the_lock_and_its_holder_to_the_node_at_the_other_end) {
  const auto s = sample({thread(1, "qemu", SYS_futex, waits_for(2, true)),
                         thread(2, "mig/src/main", SYS_ppoll, {{"polls", json::array{12}}})});
  const json::array nodes{
      json::object{{"name", "tgt"}, {"driver", "nbd"}, {"peer", "10.0.0.7:10809"}, {"job_target", true}}};
  const json::object verdict{{"root", json::object{{"name", "tgt"}, {"peer", "10.0.0.7:10809"}}}};
  EXPECT_THAT(
      chain_lines(s, {&verdict, &nodes}),
      ElementsAre("qemu (1, main thread) waits for the BQL at 0x5612a0, held by mig/src/main (2)",
                  " '- mig/src/main (2) sleeps in ppoll of 1 descriptor",
                  "     '- fd 12: socket 10.0.0.1:49152 -> 10.0.0.7:10809, 1234 bytes not taken: node tgt "
                  "(nbd), a job's target  <- here the wait ends"));
}

TEST(wait_chain, ends_where_it_bites_its_tail) {
  const auto s = sample({thread(1, "a", SYS_futex, waits_for(2)), thread(2, "b", SYS_futex, waits_for(1))});
  const auto lines = chain_lines(s, {});
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_THAT(lines.back(), HasSubstr("a (1), which waits itself: nothing can free them"));
}

TEST(wait_chain, of_hostile_text_is_short_and_printable) {
  json::array fds;
  for (int i = 0; i < 5'000; ++i) fds.push_back(i);
  const auto s = sample({thread(1, "\x1b[2J\n", SYS_ppoll, {{"polls", fds}})});
  const auto lines = chain_lines(s, {});
  EXPECT_THAT(lines, AllOf(SizeIs(18), Each(Not(HasSubstr("\x1b"))), Each(Not(HasSubstr("\n")))));
  EXPECT_THAT(chain_lines(json::object{{"threads", 7}}, {}), IsEmpty());
  EXPECT_THAT(chain_lines(json::object{{"threads", json::array{nullptr}}}, {}), IsEmpty());
  EXPECT_THAT(
      chain_lines(sample({json::object{{"tid", 1e300}, {"waits_for", json::object{{"owner", "x"}}}}}), {}),
      SizeIs(1));
}

TEST(wait, is_told_by_state_and_call) {
  const auto s = sample({});
  auto of = [&](json::object t, const char* state) {
    t["state"] = state;
    return wait_in_words(t, s);
  };
  EXPECT_EQ(of(thread(1, "w", SYS_pwrite64, {{"io_fd", 4}}), "D"),
            "hangs in pwrite64 of fd 4, anon_inode:[eventfd] (uninterruptible)");
  EXPECT_EQ(of(thread(1, "w", -1), "R"), "runs");
  EXPECT_EQ(of(thread(1, "w", SYS_futex), "S"), "sleeps in futex");
  EXPECT_EQ(of(thread(1, "w", 9'999), "S"), "sleeps in system call 9999");
  EXPECT_EQ(of(json::object{{"wchan", "nfs_wait"}}, "S"), "sleeps in the kernel's nfs_wait");
  EXPECT_EQ(of(thread(1, "w", SYS_futex), "t"), "is stopped by a debugger");
}

}  // namespace
}  // namespace unwedge::ctl
