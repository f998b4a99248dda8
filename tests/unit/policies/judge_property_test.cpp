// Random facts, hostile and contradictory ones among them: what must hold whatever a process shows.
#include "policies/remedies/remedies.hpp"
#include "policies/sentence.hpp"
#include "world.hpp"

#include <gtest/gtest.h>

#include <sys/syscall.h>

#include <random>

namespace unwedge::policies {
namespace {

using namespace fake;
using namespace std::chrono_literals;

class generator {
 public:
  explicit generator(unsigned seed) : random_(seed) {}

  int below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }
  bool one_in(int n) { return below(n) == 0; }

  process_facts process() {
    process_facts f;
    f.alive = !one_in(40);
    f.pid = main_tid;
    f.tracer = one_in(30) ? 1 : 0;
    f.has_signalfd = !one_in(4);
    for (int i = 0, n = below(6); i < n; ++i) f.threads.push_back(thread_facts_of(main_tid + i));
    for (int fd = 0; fd < 8; ++fd) {
      if (one_in(3))
        f.files.push_back({fd, one_in(3) ? file_facts::kind::signalfd : file_facts::kind::other, "x"});
      else if (!one_in(3))
        f.sockets.push_back(connection(fd));
    }
    return f;
  }

  vm_model model() {
    vm_model vm;
    vm.monitor.oob = !one_in(4);
    for (const auto* name : {"a", "b", "c"}) {
      if (one_in(2)) add_nbd_node(vm, name, peers[below(4)], one_in(2));
    }
    if (one_in(3)) vm.yankable.block_nodes.clear();
    vm.yankable.migration = one_in(2);
    if (one_in(2)) {
      vm.migration = migration_state{};
      vm.migration->status = statuses[below(4)];
      if (one_in(2)) vm.migration->postcopy_enabled = one_in(2);
    }
    return vm;
  }

 private:
  static constexpr const char* peers[] = {"10.0.0.7:10809", "10.0.0.8:10809", "/run/nbd.sock", ""};
  static constexpr const char* statuses[] = {"active", "device", "postcopy-active", "completed"};
  static constexpr const char* comms[] = {"live_migration", "mig/src/main", "CPU 0/KVM", "qemu-system-x86"};
  static constexpr long calls[] = {SYS_futex, SYS_ppoll, SYS_sendmsg, SYS_recvmsg, -1};

  thread_facts thread_facts_of(pid_t tid) {
    auto t = thread(tid, comms[below(4)]);
    t.state = one_in(4) ? "RDTtZ"[below(5)] : 'S';
    t.sleeping = !one_in(9);
    t.context_switches = static_cast<std::uint64_t>(below(3));
    t.cpu_ns = static_cast<std::uint64_t>(below(3)) * 300'000'000;
    if (one_in(8))
      t.syscall.reset();
    else
      t.syscall->number = calls[below(5)];
    if (one_in(3)) t.waits_for = mutex_wait{.address = bql, .owner = main_tid + below(8)};
    for (int i = 0, n = one_in(2) ? below(5) : 0; i < n; ++i) t.polled_fds.push_back(below(9));
    if (one_in(4)) t.io_fd = below(9);
    if (!one_in(8)) t.unsent = unsent::vm_state;
    return t;
  }

  socket_facts connection(int fd) {
    auto s = one_in(2) ? dead_connection(fd, peers[below(4)]) : idle_connection(fd, peers[below(4)]);
    s.inode = static_cast<std::uint64_t>(below(6));
    s.listening = one_in(8);
    if (one_in(4)) s.kind = socket_facts::family::unix_stream;
    if (one_in(3)) s.last_sent = std::chrono::milliseconds(below(12'000));
    return s;
  }

  std::mt19937 random_;
};

constexpr int rounds = 60'000;

TEST(judge_of_random_facts, is_the_same_each_time_and_never_before_the_patience) {
  int verdicts = 0;
  int plans = 0;
  for (unsigned seed = 0; seed < rounds; ++seed) {
    generator random(seed);
    const auto vm = random.model();
    const auto facts = random.process();
    std::vector<process_facts> samples;
    const bool steady = !random.one_in(6);
    for (int i = 0, n = 1 + random.below(6); i < n; ++i) {
      auto& s = samples.emplace_back(steady ? facts : random.process());
      s.at = at(0.6 * (i + 1));
    }
    const auto v = judged(samples, vm);
    ASSERT_EQ(in_one_line(v), in_one_line(judged(samples, vm))) << seed;
    ASSERT_FALSE(undecided(samples, vm).empty());
    if (!v) continue;
    ++verdicts;
    ASSERT_FALSE(sentence(*v, vm).empty());
    if (v->kind != verdict_kind::gone) ASSERT_GE(samples.back().at - at(0), 3s) << seed;
    const auto plan = yank_root(*v, vm);
    ASSERT_EQ(plan.ladder.empty(), !plan.why_not.empty()) << seed;
    if (plan.ladder.empty()) continue;
    ++plans;
    ASSERT_TRUE(v->certain && v->root && v->root->silent_for && vm.monitor.oob) << seed;
    ASSERT_TRUE(v->kind == verdict_kind::bql_held || v->kind == verdict_kind::main_loop_waits) << seed;
    ASSERT_TRUE(v->root->type == wait_root::kind::migration ? v->sending && v->sends_state
                                                            : v->root->job_target)
        << seed;
    for (const auto& r : v->further_roots)
      ASSERT_TRUE(r.job_target && r.polled_by_waiter && r.silent_for) << seed;
  }
  // The generator must reach what it is to test.
  EXPECT_GT(verdicts, 1'000);
  EXPECT_GT(plans, 10);
}

TEST(judge_of_random_facts, does_not_depend_on_the_order_of_sockets_and_files) {
  for (unsigned seed = 0; seed < rounds / 3; ++seed) {
    generator random(seed);
    const auto vm = random.model();
    const auto facts = random.process();
    auto shuffled = facts;
    std::mt19937 order(seed);
    std::ranges::shuffle(shuffled.files, order);
    const auto a = judged(seen_for_three_seconds(facts), vm);
    const auto b = judged(seen_for_three_seconds(shuffled), vm);
    ASSERT_EQ(in_one_line(a), in_one_line(b)) << seed;
    std::ranges::shuffle(shuffled.sockets, order);
    const auto c = judged(seen_for_three_seconds(shuffled), vm);
    ASSERT_EQ(a.has_value(), c.has_value()) << seed;
    if (a) {
      ASSERT_EQ(a->kind, c->kind) << seed;
      ASSERT_EQ(a->certain, c->certain) << seed;
    }
  }
}

}  // namespace
}  // namespace unwedge::policies
