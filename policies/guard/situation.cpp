#include "policies/guard/situation.hpp"

#include <algorithm>

namespace unwedge::policies::guard {
namespace {

/// Without a look at the process by then there will be none: it is not ours to see.
constexpr std::chrono::seconds look_within{2};

}  // namespace

situation::situation(const run_input& seen)
    : in(seen), vm(seen.view.vm), all(copies(seen.view.vm, seen.view.now)) {}

bool situation::migrates() const {
  return vm.migration && is_running(*vm.migration) && vm.run_state != "inmigrate";
}

bool situation::at_pre_switchover() const {
  return vm.migration && vm.migration->status == "pre-switchover";
}

bool situation::before_the_switchover() const {
  const std::string_view status = vm.migration->status;
  return status == "setup" || status == "active" || status == "wait-unplug";
}

bool situation::settings_are_fresh() const {
  return std::ranges::all_of(all, [&](const copy& c) {
    return c.details == nullptr || vm.migrates_with.capabilities_at >= c.details->appeared;
  });
}

duration situation::stopped_for() const {
  return in.view.now - vm.migration->since;
}

bool situation::all_are(std::initializer_list<copy_state> states) const {
  return std::ranges::all_of(
      all, [&](const copy& c) { return std::ranges::find(states, c.state) != states.end(); });
}

const copy* situation::first(copy_state state) const {
  const auto found = std::ranges::find(all, state, &copy::state);
  return found == all.end() ? nullptr : &*found;
}

duration situation::patience() const {
  return at_pre_switchover() ? std::min(in.by.patience, in.by.guard.stopped_for / 2) : in.by.patience;
}

const copy* situation::dead() const {
  for (const auto& c : all) {
    if (c.details == nullptr || c.state == copy_state::whole || c.state == copy_state::broken) continue;
    const auto silent = in.view.io.silent_since(vm, *c.details, in.view.now);
    if (silent && in.view.now - std::max(*silent, c.details->progressed) >= patience()) return &c;
  }
  return nullptr;
}

bool situation::targets_answer() const {
  const auto& io = in.view.io;
  const bool nothing_to_see = in.view.now - vm.migration->began >= look_within;
  return std::ranges::all_of(all, [&](const copy& c) {
    return c.details == nullptr || io.answers_since(vm, *c.details, vm.migration->began) ||
           (nothing_to_see && !io.silent_since(vm, *c.details, in.view.now));
  });
}

}  // namespace unwedge::policies::guard
