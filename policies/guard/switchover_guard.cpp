#include "policies/guard/switchover_guard.hpp"

#include "policies/conditions/conditions.hpp"
#include "policies/guard/commands.hpp"

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
/// Of a manager that waits for the event of pre-switchover. The guest stands still for it.
constexpr std::chrono::milliseconds reaction_time{300};

}  // namespace

void switchover_guard::step(const run_input& in, std::vector<decision>& out) {
  if (acting_) return;
  const situation s(in);
  if (brake_.adopts_leftover(s.vm)) asked_to_arm_ = true;
  if (!s.migrates()) return between_migrations(s, out);
  if (in_postcopy(*s.vm.migration)) return note("Post-copy has begun: the guard does nothing more.", out);
  if (in.busy) return;
  auto wanted = guard::next_wish(s, so_far(s));
  if (!wanted) return;
  if (!open_) begin(s, out);
  take(s, std::move(*wanted), out);
}

void switchover_guard::between_migrations(const situation& s, std::vector<decision>& out) {
  if (cancelled_for_dead_) {
    if (auto yank = guard::yank_dead_target(s, so_far(s))) return take(s, std::move(*yank), out);
  }
  if (!s.in.view.settled) return;
  close(outcome_at_end(s), out);
  tried_.clear();
  if (!s.in.busy && s.vm.run_state != "inmigrate") prepare(s, out);
}

/// Only while a mirror runs, or has just failed: with the capability on, each migration needs somebody to
/// continue it. Asked once for each time that mirrors run: a manager that switches it off again (Proxmox) has
/// its reasons.
void switchover_guard::prepare(const situation& s, std::vector<decision>& out) {
  if (precautions_under_way_ > 0 || precautions_refused_ >= most_tries) return;
  const auto& in = s.in;
  const bool matter = mirrors(s.vm) || s.first(copy_state::broken) != nullptr;
  if (!matter) return take_back(s, "no mirror runs any more", out);
  const auto why_not = operator_forbids(in.frame, in.by, in.by.needs);
  if (!why_not.empty()) return take_back(s, why_not, out);
  const auto& is = s.vm.migrates_with.pause_before_switchover;
  const bool fresh = asked_to_arm_ || s.settings_are_fresh();
  if (!is || !fresh || s.vm.libvirt || (*is && !asked_to_arm_)) return;  // left to whoever set it
  constexpr auto why = "a mirror runs: a migration must not complete before it is done";
  if (!std::exchange(asked_to_arm_, true)) precaution(guard::set_capabilities(true), why, in.view.now, out);
  if (brake_.pressed(s.vm)) return;
  if (auto press = brake_.press(s.vm)) precaution(std::move(*press), why, in.view.now, out);
}

void switchover_guard::take_back(const situation& s, const std::string& why, std::vector<decision>& out) {
  for (auto& step : to_take_back(s.vm)) precaution(std::move(step), why, s.in.view.now, out);
  brake_.was_released();
  if (!armed_by_us(s.vm)) asked_to_arm_ = false;
}

void switchover_guard::precaution(policies::step s, std::string why, instant now,
                                  std::vector<decision>& out) {
  if (brake::is_press(s)) brake_.was_pressed(s.undo, now);
  ++precautions_under_way_;
  out.push_back({"", set_precaution{std::move(s), std::move(why)}});
}

void switchover_guard::precaution_done(const policies::step& s, bool accepted, instant now) {
  --precautions_under_way_;
  if (accepted) return;
  ++precautions_refused_;
  if (brake::is_release(s)) brake_.was_pressed(s.arguments, now);
}

bool switchover_guard::armed_by_us(const vm_model& vm) const {
  return asked_to_arm_ && vm.migrates_with.pause_before_switchover.value_or(false);
}

/// A manager that guards its own switchovers concludes its mirrors itself, at once; if nothing came of it
/// after the grace, it has died. That we switched pause-before-switchover on does not prove that it did not.
bool switchover_guard::ours_to_drive(const situation& s) const {
  const bool known_manager = s.vm.libvirt || another_drives(s);
  const bool ours = (took_up_ || armed_by_us(s.vm)) && !known_manager;
  return s.stopped_for() >= (ours ? duration(reaction_time) : s.in.by.guard.manager_grace);
}

/// A mirror concludes while the guest stands still, and it was not we who asked for it.
bool switchover_guard::another_drives(const situation& s) const {
  return std::ranges::any_of(s.all, [&](const copy& c) {
    const bool ended = c.state == copy_state::concluding || c.state == copy_state::whole;
    return ended && c.since >= s.vm.migration->since &&
           std::ranges::find(tried_, guard::conclude(c.job)) == tried_.end();
  });
}

bool switchover_guard::begun(const vm_model& vm) const {
  return acted_ || armed_by_us(vm) || brake_.pressed(vm);
}

guard::so_far switchover_guard::so_far(const situation& s) const {
  return {.by_brake = brake_,
          .ours_to_drive = s.at_pre_switchover() && ours_to_drive(s),
          .armed = armed_by_us(s.vm),
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
  open_ = true;
  acted_ = false;
  recorded_.clear();
  out.push_back({key_, open_incident{s.in.by.name, std::move(c), std::nullopt}});
}

void switchover_guard::take(const situation& s, guard::wish w, std::vector<decision>& out) {
  const auto& in = s.in;
  if (std::ranges::count(tried_, w.step) >= most_tries)
    return note(fmt::format("{} did not help; it is left to people.", w.step.action), out);
  if (w.step == current_ && in.view.now < again_at_) return;  // its effect is on its way
  // What was begun is brought to its end whatever the frame says by now.
  if (!begun(s.vm)) {
    auto why_not = forbids(in.frame, in.by, w.step.needs);
    if (why_not.empty()) why_not = out_of_budget(in.by, in.of_vm, in.of_host, in.view.now);
    if (!why_not.empty()) return decline(std::move(w.step), w.why, std::move(why_not), out);
  }
  in.of_vm.spend(in.by, in.view.now);
  in.of_host.spend(in.by, in.view.now);
  acted_ = acting_ = true;
  if (w.step.action == "migrate_cancel") cancelled_for_dead_ = s.dead() != nullptr;
  if (brake::is_press(w.step)) brake_.was_pressed(w.step.undo, in.view.now);
  note(fmt::format("{}: {}.", w.step.action, w.why), out);
  current_ = w.step;
  tried_.push_back(w.step);
  out.push_back({key_, take_step{next_++, std::move(w.step)}});
}

void switchover_guard::decline(policies::step s, const std::string& why, std::string result,
                               std::vector<decision>& out) {
  auto key = s.action + result;
  if (std::exchange(recorded_, key) == key) return;
  note(fmt::format("Would {}: {}.", s.action, why), out);
  out.push_back({key_, record_step{next_++, std::move(s), std::move(result)}});
}

void switchover_guard::step_done(step_outcome outcome, instant now) {
  acting_ = false;
  again_at_ = now + effect_within;
  if (brake::is_release(current_) && outcome == step_outcome::done) {
    brake_.was_released();
    std::erase_if(tried_, [](const policies::step& s) { return s.action == "migrate-set-parameters"; });
  }
  const bool not_cancelled = current_.action == "migrate_cancel" && outcome == step_outcome::refused;
  if (current_.action == "yank" || not_cancelled) cancelled_for_dead_ = false;
}

bool switchover_guard::confirms(const policies::step& step, const run_input& in) const {
  const situation s(in);
  return guard::still_right(step, s, so_far(s));
}

void switchover_guard::note(std::string text, std::vector<decision>& out) {
  if (open_ && std::exchange(last_note_, text) != text) out.push_back({key_, add_note{std::move(text)}});
}

void switchover_guard::close(std::string outcome, std::vector<decision>& out) {
  if (!open_) return;
  out.push_back({key_, close_incident{std::move(outcome)}});
  open_ = acting_ = acted_ = cancelled_for_dead_ = took_up_ = false;
  current_ = {};
  tried_.clear();
  last_note_.clear();
  recorded_.clear();
  next_ = 0;
}

std::string switchover_guard::outcome_at_end(const situation& s) const {
  if (!recorded_.empty() && !acted_) return recorded_.ends_with("dry-run") ? "dry-run" : "observed";
  const bool completed = s.vm.migration && s.vm.migration->status == "completed";
  if (!completed) return s.vm.run_state == "running" || s.vm.run_state == "paused" ? "recovered" : "failed";
  return s.first(copy_state::broken) == nullptr ? "recovered" : "failed";
}

/// Its commands may be sent twice: what the model says now, not the record, tells whether they had their
/// effect. Those whose outcome is not known are therefore tried again.
void switchover_guard::resume(const record& r) {
  open_ = took_up_ = true;
  acted_ = !r.begun.empty();
  next_ = r.on_record;
  for (const auto& s : r.begun) {
    if (std::ranges::find(r.unknown, s) == r.unknown.end()) tried_.push_back(s);
    if (brake::is_press(s)) brake_.was_pressed(s.undo, {});
    if (brake::is_release(s)) brake_.was_released();
  }
}

std::string switchover_guard::standing(const run_input& in) const {
  const situation s(in);
  if (!open_ && !mirrors(s.vm) && !begun(s.vm)) return "";
  if (s.migrates() && brake_.pressed(s.vm)) return "holds the migration back until its mirrors are READY";
  if (open_) return "brings the migration over its switchover";
  if (s.vm.libvirt) return "left to libvirt, which guards its own switchovers; acts if it does not";
  if (armed_by_us(s.vm)) return "armed";
  if (s.vm.migrates_with.pause_before_switchover.value_or(false))
    return "left to whoever switched pause-before-switchover on; acts if nobody does";
  const auto why_not = forbids(in.frame, in.by, in.by.needs);
  if (!why_not.empty()) return "not armed (" + why_not + ")";
  if (brake_.pressed(s.vm))
    return "holds migrations back; cannot pause them, pause-before-switchover was switched off";
  return s.migrates() ? "cannot guard: pause-before-switchover is off, and the migration will not wait"
                      : "not armed yet";
}

std::vector<policies::step> switchover_guard::to_take_back(const vm_model& vm) const {
  std::vector<policies::step> out;
  const bool runs = vm.migration && is_running(*vm.migration);
  if (runs && armed_by_us(vm) && !in_postcopy(*vm.migration) && vm.migration->status != "device")
    out.push_back(guard::cancel_migration());
  if (brake_.pressed(vm)) {
    if (auto release = brake_.release(vm)) out.push_back(std::move(*release));
  }
  if (armed_by_us(vm) && !runs) out.push_back(guard::set_capabilities(false));
  return out;
}

}  // namespace unwedge::policies
