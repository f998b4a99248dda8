#include "policies/guard/switchover_guard.hpp"

#include "policies/conditions/conditions.hpp"
#include "policies/guard/commands.hpp"
#include "policies/guard/driver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace unwedge::policies {
namespace {

using guard::brake;
using guard::situation;

/// A command that QEMU refused, or that nobody knows the fate of, may be sent again; for ever, no.
constexpr std::ptrdiff_t most_tries = 3;
/// Between a command and the event that shows its effect.
constexpr std::chrono::seconds effect_within{2};

}  // namespace

void switchover_guard::step(const run_input& in, std::vector<decision>& out) {
  if (acting_) return;
  const situation s(in);
  precautions_.adopt_leftover(s.vm);
  if (!s.migrates()) return between_migrations(s, out);
  if (in_postcopy(*s.vm.migration))
    return account_.note("Post-copy has begun: the guard does nothing more.", out);
  if (in.busy) return;
  // A cancel that was never answered counts once the migration's status shows it.
  if (cancelling_for_dead_ && std::string_view(s.vm.migration->status) == "cancelling")
    cancelled_for_dead_ = true;
  auto wanted = guard::next_wish(s, so_far(s));
  if (!wanted) return;
  if (!open()) begin(s, out);
  take(s, std::move(*wanted), out);
}

void switchover_guard::between_migrations(const situation& s, std::vector<decision>& out) {
  if (cancelling_for_dead_ || cancelled_for_dead_) {
    cancelled_for_dead_ = true;  // it is over: no vm_stop comes any more
    if (auto yank = guard::yank_dead_target(s, so_far(s))) {
      if (!s.in.busy) take(s, std::move(*yank), out);
      return;
    }
  }
  if (!s.in.view.settled) return;
  close(outcome_at_end(s), out);
  tried_.clear();
  precautions_.look_for_mirrors(s);
  if (!s.in.busy && s.vm.run_state != "inmigrate") precautions_.prepare(s, out);
}

bool switchover_guard::begun(const vm_model& vm) const {
  return acted_ || precautions_.bind(vm);
}

guard::so_far switchover_guard::so_far(const situation& s) const {
  const bool waits = s.migrates() && s.at_pre_switchover();
  const guard::own_part own{.armed = precautions_.armed_by_us(s.vm), .took_up = took_up_, .tried = tried_};
  return {.by_brake = precautions_.by_brake(),
          .ours_to_drive = waits && ours_to_drive(s, own),
          .ours_to_end = waits && ours_to_end(s, own),
          .meant_to_cancel = precautions_.meant_to_cancel(),
          .mirrors_unseen = precautions_.mirrors_unseen(),
          .cancelled_for_dead = cancelled_for_dead_,
          .tried = tried_};
}

void switchover_guard::begin(const situation& s, std::vector<decision>& out) {
  conditions held;
  holds::mirror_at_switchover(s.in.view, held);
  if (!held.empty()) held.front().why = why(held.front(), s.in.view);
  condition c = held.empty() ? condition{.kind = condition_kind::mirror_at_switchover,
                                         .subject = "",
                                         .state = "concluded",
                                         .since = s.vm.migration->since,
                                         .why = "A migration runs, with its mirrors concluded."}
                             : std::move(held.front());
  c.subject.clear();
  acted_ = false;
  account_.open(s.in.by.name, std::move(c), out);
}

/// What was begun is brought to its end whatever hold, budget or authority say by now; but what follows from
/// silence follows from nothing on a host that starves.
std::string switchover_guard::why_not(const run_input& in, const guard::wish& w, bool begun) {
  if (!begun) return forbids(in.frame, in.by, w.step.needs);
  return w.of_silence && !in.frame.host_starved.empty() ? "host-starved: " + in.frame.host_starved : "";
}

void switchover_guard::take(const situation& s, guard::wish w, std::vector<decision>& out) {
  const auto& in = s.in;
  if (std::ranges::count(tried_, w.step) >= most_tries)
    return account_.note(fmt::format("{} did not help; it is left to people.", w.step.action), out);
  if (w.step == current_.step && in.view.now < again_at_) return;  // its effect is on its way
  const bool goes_on = begun(s.vm);
  auto result = why_not(in, w, goes_on);
  if (result.empty() && !goes_on) result = out_of_budget(in.by, in.of_vm, in.of_host, in.view.now);
  if (!result.empty()) return account_.decline(std::move(w.step), w.why, std::move(result), out);
  in.of_vm.spend(in.by, in.view.now);
  in.of_host.spend(in.by, in.view.now);
  before_ = {.acted = acted_, .begun = goes_on, .by_brake = precautions_.by_brake()};
  barred_ = false;
  acted_ = acting_ = true;
  if (w.step.action == "migrate_cancel") cancelling_for_dead_ = s.dead() != nullptr;
  if (brake::is_press(w.step)) precautions_.by_brake().was_pressed(w.step.undo, in.view.now);
  account_.note(fmt::format("{}: {}.", w.step.action, w.why), out);
  tried_.push_back(w.step);
  current_ = std::move(w);
  account_.take(current_.step, out);
}

void switchover_guard::step_done(step_outcome outcome, instant now) {
  acting_ = false;
  again_at_ = now + effect_within;
  if (outcome == step_outcome::refused) not_taken();
  if (brake::is_release(current_.step) && outcome == step_outcome::done) {
    precautions_.by_brake().was_released();
    std::erase_if(tried_, [](const policies::step& s) { return s.action == "migrate-set-parameters"; });
  }
  if (current_.step.action == "migrate_cancel" && cancelling_for_dead_) {
    // Whether QEMU has it is not known after a time-out: it may hang in vm_stop, where a yank can make it
    // abort.
    cancelled_for_dead_ = outcome == step_outcome::done;
    cancelling_for_dead_ = outcome != step_outcome::refused;
  }
}

/// Nothing was begun by it. What forbade it at the last look, and not the situation, does not count as a try.
void switchover_guard::not_taken() {
  acted_ = before_.acted;
  if (brake::is_press(current_.step)) precautions_.by_brake() = before_.by_brake;
  if (!barred_ || tried_.empty()) return;
  tried_.pop_back();
  again_at_ = {};
}

bool switchover_guard::confirms(const policies::step& step, const run_input& in) {
  const situation s(in);
  barred_ = in.busy || !why_not(in, current_, before_.begun).empty();
  return !barred_ && guard::still_right(step, s, so_far(s));
}

void switchover_guard::close(std::string outcome, std::vector<decision>& out) {
  if (!open()) return;
  account_.close(std::move(outcome), out);
  acting_ = acted_ = cancelling_for_dead_ = cancelled_for_dead_ = took_up_ = false;
  current_ = {};
  tried_.clear();
}

void switchover_guard::end(const run_input& in, std::vector<decision>& out) {
  const bool completed = in.view.vm.migration && in.view.vm.migration->status == "completed";
  close(completed ? outcome_at_end(situation(in)) : "failed", out);
}

std::string switchover_guard::outcome_at_end(const situation& s) const {
  if (const auto& declined = account_.last_result(); !acted_ && !declined.empty())
    return outcome_of_record(declined);
  const bool completed = s.vm.migration && s.vm.migration->status == "completed";
  if (!completed) return s.vm.run_state == "running" || s.vm.run_state == "paused" ? "recovered" : "failed";
  return s.first(copy_state::broken) == nullptr ? "recovered" : "failed";
}

/// Its commands may be sent twice: what the model says now, not the record, tells whether they had their
/// effect. Those whose outcome is not known are therefore tried again.
void switchover_guard::resume(const record& r) {
  account_.take_up(r.on_record);
  took_up_ = true;
  acted_ = !r.begun.empty();
  for (const auto& s : r.begun) {
    if (std::ranges::find(r.unknown, s) == r.unknown.end()) tried_.push_back(s);
  }
  precautions_.resume(r.begun);
}

std::string switchover_guard::standing(const run_input& in) const {
  const situation s(in);
  if (!open() && !mirrors(s.vm) && !begun(s.vm)) return "";
  if (s.migrates() && precautions_.by_brake().holds_back(s.vm))
    return "holds the migration back until its mirrors are READY";
  if (open()) return "brings the migration over its switchover";
  if (s.vm.libvirt) return "left to libvirt, which guards its own switchovers; acts if it does not";
  if (precautions_.armed_by_us(s.vm)) return "armed";
  if (s.vm.migrates_with.pause_before_switchover.value_or(false))
    return "left to whoever switched pause-before-switchover on; acts if nobody does";
  const auto why_not = forbids(in.frame, in.by, in.by.needs);
  if (!why_not.empty()) return "not armed (" + why_not + ")";
  if (precautions_.by_brake().holds_back(s.vm))
    return "holds migrations back; cannot pause them, pause-before-switchover was switched off";
  return s.migrates() ? "cannot guard: pause-before-switchover is off, and the migration will not wait"
                      : "not armed yet";
}

}  // namespace unwedge::policies
