// Every policy as shipped, evaluated over a host's VMs as often as the daemon looks at them. The figure is an
// upper bound: the daemon leaves out VMs of which it knows beforehand that nothing is to be decided.
#include "daemon/config/policies.hpp"
#include "tests/bench/benches.hpp"
#include "tests/bench/host_of_vms.hpp"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <iterator>
#include <limits>
#include <stdexcept>
#include <utility>

namespace unwedge::bench {
namespace {

using namespace std::chrono_literals;
using policies::instant;

constexpr int rounds = 15;
constexpr int seconds_a_round = 20;

/// How many of each kind.
struct population {
  int idle = 0, mirroring = 0, stuck = 0, migrating = 0;
};

/// CPU seconds of a round, and how many looks they were spent on.
struct spent {
  double ours = 0, floor = 0;
  std::size_t looks = 0;
};

double cpu_now() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

std::vector<policies::policy> shipped_policies() {
  auto loaded = config::load_policies({.vendor = "/nonexistent/built-in-ones", .admin = "/nonexistent"});
  if (!loaded || loaded->all.empty()) throw std::runtime_error("policies: the built-in ones do not load");
  return std::move(loaded->all);
}

class host {
 public:
  explicit host(const population& of) {
    const auto add = [&](int count, vm_kind kind) {
      for (int i = 0; i < count; ++i) vms_.push_back(make_vm(kind, vms_.size(), began_));
    };
    add(of.idle, vm_kind::idle);
    add(of.mirroring, vm_kind::mirroring);
    add(of.stuck, vm_kind::stuck);
    add(of.migrating, vm_kind::migrating);
  }

  void pass(int second, spent& sum) {
    const auto now = began_ + std::chrono::seconds(second);
    for (auto& vm : vms_) live_on(vm, now);
    const auto due = looks_in(second);
    const auto before = cpu_now();
    for (const auto& d : due) look_at(*d.vm, now + d.after);
    const auto between = cpu_now();
    for (const auto& d : due) benchmark::DoNotOptimize(d.vm->model.run_state.size());
    sum.ours += between - before;
    sum.floor += cpu_now() - between;
    sum.looks += due.size();
  }

  /// A fleet in which nothing happens would be measured cheaply, and for nothing.
  void verify() const {
    for (const auto& vm : vms_) {
      const bool on_record = vm.kind == vm_kind::migrating || vm.kind == vm_kind::stuck;
      const bool holds = !vm.engine.holding().empty();
      if (vm.engine.incident_open() != on_record || holds < on_record || (holds && vm.kind == vm_kind::idle))
        throw std::runtime_error(fmt::format("policies: {} is not what it was made to be", vm.name));
    }
  }

 private:
  struct due_look {
    std::chrono::milliseconds after;
    modelled_vm* vm;
  };

  /// In the order of time; the VMs are spread over the second as probes are, on their grid of 50 ms.
  std::vector<due_look> looks_in(int second) {
    std::vector<due_look> out;
    for (std::size_t i = 0; i < vms_.size(); ++i) {
      const auto a_minute = looks_a_minute(vms_[i].kind);
      const auto turn = second + static_cast<int>(i % 20);
      const auto count = (turn + 1) * a_minute / 60 - turn * a_minute / 60;
      for (int n = 0; n < count; ++n)
        out.push_back({(static_cast<int>(i % 20) * 50ms + n * 1'000ms / count) % 1'000, &vms_[i]});
    }
    std::ranges::sort(out, {}, [](const due_look& d) { return std::pair(d.after, d.vm); });
    return out;
  }

  /// As vm_rounds::decide.
  void look_at(modelled_vm& vm, instant at) {
    const policies::vm_view view{.vm = vm.model, .io = vm.io, .now = at};
    const policies::action_frame frame{.allowed = vm.allowed};
    const auto decisions = vm.engine.step({view, vm.name, policies_, frame, budget_});
    if (!decisions.empty()) carry_out(vm, decisions, at, budget_);
    benchmark::DoNotOptimize(decisions.data());
  }

  instant began_{24h * 100};
  std::vector<policies::policy> policies_ = shipped_policies();
  policies::step_budget budget_;
  std::vector<modelled_vm> vms_;
};

/// A round with each population in turn, so that what disturbs one disturbs all.
std::vector<std::vector<spent>> measure(const std::vector<population>& populations) {
  std::vector<std::vector<spent>> out(populations.size());
  for (int i = 0; i < rounds; ++i) {
    for (std::size_t p = 0; p < populations.size(); ++p) {
      host measured(populations[p]);
      spent sum;
      for (int s = 0; s < seconds_a_round; ++s) measured.pass(s, sum);
      measured.verify();
      out[p].push_back(sum);
    }
  }
  return out;
}

double median_of(const std::vector<spent>& all, double (*what)(const spent&)) {
  std::vector<double> values;
  std::ranges::transform(all, std::back_inserter(values), what);
  return median(values);
}

figure a_second(std::string name, const std::vector<spent>& all) {
  return {.name = std::move(name),
          .unit = "us",
          .ours = median_of(all, [](const spent& s) { return s.ours / seconds_a_round * 1e6; }),
          .floor = median_of(all, [](const spent& s) { return s.floor / seconds_a_round * 1e6; }),
          .limit = 1'000,
          .absolute = true};
}

}  // namespace

std::vector<figure> policy_figures() {
  const auto all = measure(
      {{.idle = 1'000}, {.idle = 950, .mirroring = 25, .stuck = 5, .migrating = 20}, {.migrating = 100}});
  return {
      a_second("CPU a second, all policies over 1,000 idle VMs; floor: reads a field", all[0]),
      a_second("CPU a second, all policies, 50 of 1,000 VMs mirror, 20 of them migrate", all[1]),
      {.name = "CPU of one look at a VM that mirrors and migrates",
       .unit = "ns",
       .ours = median_of(all[2], [](const spent& s) { return s.ours / static_cast<double>(s.looks) * 1e9; }),
       .limit = std::numeric_limits<double>::infinity()}};
}

}  // namespace unwedge::bench
