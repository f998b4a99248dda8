#include "policies/guard/situation.hpp"

#include <algorithm>

namespace unwedge::policies::guard {
namespace {

/// Without a look at the process by then there will be none: it is not ours to see.
constexpr std::chrono::seconds look_within{2};
constexpr std::chrono::seconds doubtful_after{1};
/// So many times the patience for a server that may be flushing, while a migration waits for it.
constexpr int flush_patience = 3;

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
  return (status == "setup" || status == "active" || status == "wait-unplug") && !past_the_switchover(vm);
}

bool situation::settings_are_fresh() const {
  return std::ranges::all_of(all, [&](const copy& c) {
    return c.details == nullptr || vm.migrates_with.capabilities_at >= c.details->appeared;
  });
}

duration situation::stopped_for() const {
  return in.view.now - vm.migration->since;
}

duration situation::quiet_for() const {
  auto last = vm.migration->since;
  for (const auto& c : all) last = std::max(last, c.since);
  return in.view.now - last;
}

bool situation::all_are(std::initializer_list<copy_state> states) const {
  return std::ranges::all_of(
      all, [&](const copy& c) { return std::ranges::find(states, c.state) != states.end(); });
}

const copy* situation::first(copy_state state) const {
  const auto found = std::ranges::find(all, state, &copy::state);
  return found == all.end() ? nullptr : &*found;
}

bool situation::is_dead(const copy& c) const {
  if (c.details == nullptr || c.state == copy_state::whole || c.state == copy_state::broken) return false;
  const auto& io = in.view.io;
  if (migrates() && at_pre_switchover()) {
    // A mirror that concludes waits for a flush. At the end of its time it matters no more why the server
    // does not answer: its copy is worth nothing without this migration.
    return stopped_for() >= in.by.guard.stopped_for && io.silent_since(vm, *c.details, in.view.now);
  }
  const auto silent_for = [&](std::optional<instant> since) {
    return since ? in.view.now - std::max(*since, c.details->progressed) : duration{};
  };
  // However slowly the migration goes, at its end it would hang on a flush that is never answered.
  return silent_for(io.dead_since(vm, *c.details, in.view.now)) >= in.by.patience ||
         silent_for(io.silent_since(vm, *c.details, in.view.now)) >= flush_patience * in.by.patience;
}

const copy* situation::dead() const {
  const auto found = std::ranges::find_if(all, [&](const copy& c) { return is_dead(c); });
  return found == all.end() ? nullptr : &*found;
}

bool situation::doubtful() const {
  return std::ranges::any_of(all, [&](const copy& c) {
    if (c.details == nullptr) return false;
    const auto since = in.view.io.silent_since(vm, *c.details, in.view.now);
    return since && in.view.now - *since >= doubtful_after;
  });
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
