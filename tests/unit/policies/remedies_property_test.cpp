// Random verdicts over random VMs: what no remedy may ever be given for.
#include "hung.hpp"
#include "policies/actions.hpp"

#include <gtest/gtest.h>

#include <random>

namespace unwedge::policies {
namespace {

using namespace fake;
using namespace std::chrono_literals;

/// Mostly what a remedy is for, and one thing or another wrong with it.
class generator {
 public:
  explicit generator(unsigned seed) : random_(seed) {}

  verdict some_verdict() {
    auto v = one_in(5) ? dead_stream() : dead_node();
    if (v.root->type == wait_root::kind::block_node && one_in(3))
      v.further_roots.push_back(*dead_node("two", 21).root);
    vary(*v.root);
    for (auto& r : v.further_roots) vary(r);
    if (one_in(4)) v.kind = kinds[below(4)];
    v.certain = !one_in(8);
    v.sending = !one_in(8);
    v.sends_state = !one_in(8);
    v.spinning = one_in(8);
    v.other_lock = one_in(8);
    v.holder->polls = !one_in(8);
    v.holder->role = roles[below(4)];
    if (one_in(8)) v.holder.reset();
    return v;
  }

  vm_model some_vm() {
    auto vm = mirroring();
    add_mirror(vm, "m1", "two");
    vm.monitor.oob = !one_in(3);
    vm.monitor.ready = vm.monitor.oob || one_in(2);
    if (one_in(3)) vm.yankable.block_nodes.clear();
    vm.yankable.migration = one_in(2);
    vm.monitor.version = versions[below(6)];
    if (!one_in(3)) {
      vm.migration = migration_state{};
      vm.migration->status = statuses[below(5)];
      vm.migration->began = at(1);
      if (!one_in(4)) vm.migration->postcopy_enabled = one_in(4);
    }
    if (one_in(2)) vm.migrates_with.pause_before_switchover = one_in(2);
    if (!one_in(4)) vm.migrates_with.multifd = one_in(4);
    if (one_in(3)) vm.stopped_at = at(below(3));
    return vm;
  }

 private:
  static constexpr verdict_kind kinds[] = {verdict_kind::main_loop_waits, verdict_kind::lock_cycle,
                                           verdict_kind::storage_wait, verdict_kind::main_loop_busy};
  static constexpr thread_role roles[] = {thread_role::migration, thread_role::vcpu, thread_role::unknown,
                                          thread_role::iothread};
  static constexpr const char* statuses[] = {"active", "device", "postcopy-active", "completed",
                                             "cancelling"};
  static inline const qmp::version versions[] = {
      {}, {5, 2, 0, ""}, {7, 2, 22, ""}, {8, 1, 5, ""}, {8, 2, 0, ""}, {10, 0, 2, ""}};

  void vary(wait_root& r) {
    r.job_target = !one_in(6);
    r.polled_by_waiter = one_in(2);
    r.takes_bytes = one_in(6);
    if (one_in(8)) r.silent_for.reset();
    if (one_in(5)) {
      r.peer = "/run/nbd.sock";
      r.connection->kind = socket_facts::family::unix_stream;
    }
    if (one_in(8)) r.connection.reset();
  }

  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  bool one_in(int n) { return below(n) == 0; }

  std::mt19937 random_;
};

bool iothread_polls(const verdict& v) {
  return std::ranges::any_of(v.further_roots, [](const auto& r) { return !r.polled_by_waiter; }) ||
         !v.root->polled_by_waiter;
}

bool all_are_copies(const verdict& v) {
  return v.root->job_target &&
         std::ranges::all_of(v.further_roots, [](const auto& r) { return r.job_target; });
}

bool stopped_for_migration(const vm_model& vm) {
  return vm.stopped_at && vm.migration && is_running(*vm.migration) && *vm.stopped_at >= vm.migration->began;
}

bool yanks_migration(const boost::json::object& cut) {
  const auto* instances = cut.if_contains("yank");
  return instances != nullptr && std::ranges::any_of(instances->as_array(), [](const auto& i) {
           return i.at("type") == "migration";
         });
}

/// A migration must not complete over the copy, nor its end leave the disks given away.
void check_fence(const step& s, const verdict& v, const vm_model& vm) {
  const bool runs = vm.migration && is_running(*vm.migration);
  const bool may_run =
      runs || v.holder->role == thread_role::migration || v.holder->role == thread_role::unknown;
  const bool cancels = s.arguments.at("cancel_migration").as_bool();
  const bool yanks = yanks_migration(s.arguments.at("cut").as_object());
  ASSERT_FALSE(cancels && yanks);
  if (!may_run) {
    ASSERT_FALSE(cancels || yanks) << "there is none";
    return;
  }
  if (runs) {
    ASSERT_NE(vm.migration->postcopy_enabled, true);
    ASSERT_NE(vm.migration->status, "device");
  }
  const bool halts = vm.migrates_with.pause_before_switchover.value_or(false);
  const auto& is = vm.monitor.version;
  if (cancels) {
    ASSERT_TRUE(vm.monitor.ready);
    ASSERT_TRUE((halts && is.major >= 5) || is.major > 8 || (is.major == 8 && is.minor >= 2))
        << "would abort";
  } else if (yanks) {
    ASSERT_TRUE(vm.monitor.oob && vm.yankable.migration);
    ASSERT_EQ(vm.migrates_with.multifd, false) << "would abort";
    ASSERT_FALSE(runs && vm.migration->status == "cancelling") << "would abort";
  } else {
    ASSERT_TRUE(halts) << "would complete over the copy";
  }
}

void check(const step& s, const verdict& v, const vm_model& vm) {
  const bool stream = v.root->type == wait_root::kind::migration;
  const bool lease = s.action == "rescue-root";
  ASSERT_TRUE(v.certain && v.root->silent_for);
  ASSERT_TRUE(v.kind == verdict_kind::bql_held || v.kind == verdict_kind::main_loop_waits);
  ASSERT_TRUE(stream || all_are_copies(v)) << "a disk of the guest";
  ASSERT_FALSE(vm.migration && in_postcopy(*vm.migration));
  ASSERT_EQ(cuts_from_outside(s), s.action != "yank");
  ASSERT_FALSE(acts_on_process(s));
  ASSERT_EQ(s.needs, lease ? authority::rescue : authority::protect);
  if (stream) {
    ASSERT_TRUE(!lease && v.sending && v.sends_state && vm.migration->postcopy_enabled == false);
    if (s.action == "sever-root") ASSERT_FALSE(vm.monitor.oob && vm.yankable.migration);
    return;
  }
  if (!lease && !stopped_for_migration(vm)) ASSERT_FALSE(iothread_polls(v)) << "QEMU would abort";
  const auto& is = vm.monitor.version;
  if (s.action != "yank" && iothread_polls(v)) ASSERT_FALSE(is.major == 5) << "QEMU would die";
  if (!lease) return;
  ASSERT_TRUE(v.kind == verdict_kind::bql_held && !v.spinning && !v.other_lock);
  ASSERT_TRUE(v.holder && v.holder->polls && v.holder->role != thread_role::vcpu);
  const auto& cut = s.arguments.at("cut").as_object();
  ASSERT_TRUE(cut.size() == 1 || (cut.size() == 2 && cut.contains("yank") && cut.contains("sever")));
  ASSERT_FALSE(s.arguments.at("jobs").as_array().empty());
  check_fence(s, v, vm);
}

TEST(remedies_of_random_verdicts, are_none_that_would_cost_the_vm_or_its_data) {
  int yanks = 0, severs = 0, leases = 0, cancels = 0, yanks_both = 0;
  for (unsigned seed = 0; seed < 60'000; ++seed) {
    generator random(seed);
    const auto v = random.some_verdict();
    const auto vm = random.some_vm();
    for (const auto remedy : {yank_root, sever_root, rescue_root}) {
      const auto plan = remedy(v, vm);
      ASSERT_EQ(plan.ladder.empty(), !plan.why_not.empty()) << seed;
      ASSERT_EQ(as_text(plan), as_text(remedy(v, vm))) << seed;
      for (const auto& s : plan.ladder) check(s, v, vm);
      if (testing::Test::HasFatalFailure()) FAIL() << "seed " << seed << ": " << as_text(plan);
      const auto text = as_text(plan);
      yanks += text.starts_with("yank {") ? 1 : 0;
      severs += text.starts_with("sever-root {") ? 1 : 0;
      leases += text.starts_with("rescue-root {") ? 1 : 0;
      cancels += text.contains(R"("cancel_migration":true)") ? 1 : 0;
      yanks_both += text.contains(R"({"type":"migration"},{"type":"block-node")") ? 1 : 0;
    }
  }
  // The generator must reach what it is to test.
  EXPECT_GT(yanks, 1'000);
  EXPECT_GT(severs, 1'000);
  EXPECT_GT(leases, 1'000);
  EXPECT_GT(cancels, 100);
  EXPECT_GT(yanks_both, 100);
}

}  // namespace
}  // namespace unwedge::policies
