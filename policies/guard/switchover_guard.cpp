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
/// Of a manager that guards its switchovers itself, after we armed as well: by the event, or polling once a
/// second. The guest stands still for it.
constexpr std::chrono::milliseconds reaction_time{1'500};
/// After a restart, for mirrors that may have ended while no daemon ran: as long as their failure would
/// matter.
constexpr std::chrono::minutes unseen_for{1};
constexpr std::chrono::seconds first_retry{2}, last_retry{64};

}  // namespace

void switchover_guard::step(const run_input& in, std::vector<decision>& out) {
  if (acting_) return;
  const situation s(in);
  if (precautions_under_way_ == 0 && brake_.adopts_leftover(s.vm)) asked_to_arm_ = mirrors_unseen_ = true;
  if (!s.migrates()) return between_migrations(s, out);
  if (in_postcopy(*s.vm.migration)) return note("Post-copy has begun: the guard does nothing more.", out);
  if (in.busy) return;
  // A cancel that was never answered counts once the migration's status shows it.
  if (cancelling_for_dead_ && std::string_view(s.vm.migration->status) == "cancelling")
    cancelled_for_dead_ = true;
  auto wanted = guard::next_wish(s, so_far(s));
  if (!wanted) return;
  if (!open_) begin(s, out);
  take(s, std::move(*wanted), out);
}

void switchover_guard::between_migrations(const situation& s, std::vector<decision>& out) {
  if (cancelling_for_dead_ || cancelled_for_dead_) {
    cancelled_for_dead_ = true;  // it is over: no vm_stop comes any more
    if (auto yank = guard::yank_dead_target(s, so_far(s))) return take(s, std::move(*yank), out);
  }
  if (!s.in.view.settled) return;
  close(outcome_at_end(s), out);
  tried_.clear();
  if (mirrors_unseen_) {
    if (!unseen_since_) unseen_since_ = s.in.view.now;
    const bool watched_again = mirrors(s.vm) && !meant_to_cancel_;
    if (watched_again || s.in.view.now - *unseen_since_ >= unseen_for)
      mirrors_unseen_ = meant_to_cancel_ = false;
  }
  if (!s.in.busy && s.vm.run_state != "inmigrate") prepare(s, out);
}

/// Only while a mirror runs, or has just failed: with the capability on, each migration needs somebody to
/// continue it. Asked once for each time that mirrors run: a manager that switches it off again (Proxmox) has
/// its reasons.
void switchover_guard::prepare(const situation& s, std::vector<decision>& out) {
  const auto& in = s.in;
  if (precautions_under_way_ > 0 || in.view.now < next_precaution_) return;
  const bool completed = s.vm.migration && std::string_view(s.vm.migration->status) == "completed";
  const bool moved_away = completed && std::string_view(s.vm.run_state) != "running";
  const bool matter = !moved_away && (mirrors(s.vm) || s.first(copy_state::broken) != nullptr);
  if (!matter && !moved_away && mirrors_unseen_ && asked_to_arm_) return;  // its migration may begin yet
  if (!matter) return take_back(s, "no mirror runs any more", out);
  if (s.vm.libvirt) return take_back(s, "libvirt guards its own switchovers", out);
  if (const auto why_not = operator_forbids(in.frame, in.by, in.by.needs); !why_not.empty())
    return take_back(s, why_not, out);
  const auto& is = s.vm.migrates_with.pause_before_switchover;
  if (!is || !(asked_to_arm_ || s.settings_are_fresh())) return;
  if (std::exchange(remembered_, false) && !*is) asked_to_arm_ = false;  // it was taken back meanwhile
  if (*is && !asked_to_arm_) return hold_back_if_doubtful(s, out);       // left to whoever set it
  constexpr auto why = "a mirror runs: a migration must not complete before it is done";
  if (!std::exchange(asked_to_arm_, true)) precaution(guard::set_capabilities(true), why, in.view.now, out);
  if (brake_.holds_back(s.vm)) return;
  if (auto press = brake_.press(s.vm)) precaution(std::move(*press), why, in.view.now, out);
}

/// A manager that guards its switchovers itself migrates when its mirrors are READY; with a target that is
/// dead by then the switchover hangs before it can do anything.
void switchover_guard::hold_back_if_doubtful(const situation& s, std::vector<decision>& out) {
  if (!s.doubtful()) return take_back(s, "the targets of its mirrors answer", out);
  if (brake_.holds_back(s.vm)) return;
  if (auto press = brake_.press(s.vm))
    precaution(std::move(*press), "the target of a mirror may be dead: its switchover would hang",
               s.in.view.now, out);
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
  if (accepted) {
    precautions_refused_ = 0;
    return;
  }
  if (brake::is_release(s)) brake_.was_pressed(s.arguments, now);
  next_precaution_ =
      now + std::min<duration>(last_retry, first_retry * (1 << std::min(precautions_refused_++, 5)));
}

bool switchover_guard::armed_by_us(const vm_model& vm) const {
  return asked_to_arm_ && vm.migrates_with.pause_before_switchover.value_or(false);
}

/// A manager that guards its own switchovers concludes its mirrors itself, at once; if nothing came of it
/// after the grace, it has died. That we switched pause-before-switchover on does not prove that it did not.
bool switchover_guard::ours_to_drive(const situation& s) const {
  if (std::ranges::any_of(s.all, [&](const copy& c) { return concluded_by_us(c); })) return true;
  const bool known_manager = s.vm.libvirt || another_drives(s);
  const bool ours = (took_up_ || armed_by_us(s.vm)) && !known_manager;
  return ours ? s.stopped_for() >= reaction_time : s.quiet_for() >= s.in.by.guard.manager_grace;
}

/// Nobody else knows that it must be continued.
bool switchover_guard::ours_to_end(const situation& s) const {
  if (armed_by_us(s.vm)) return true;
  return !s.all.empty() && std::ranges::all_of(s.all, [&](const copy& c) { return concluded_by_us(c); });
}

bool switchover_guard::concluded_by_us(const copy& c) const {
  return std::ranges::find(tried_, guard::conclude(c.job)) != tried_.end();
}

/// A mirror concludes while the guest stands still, and it was not we who asked for it.
bool switchover_guard::another_drives(const situation& s) const {
  return std::ranges::any_of(s.all, [&](const copy& c) {
    const bool ended = c.state == copy_state::concluding || c.state == copy_state::whole;
    return ended && c.since >= s.vm.migration->since && !concluded_by_us(c);
  });
}

bool switchover_guard::begun(const vm_model& vm) const {
  return acted_ || armed_by_us(vm) || brake_.left_something(vm);
}

guard::so_far switchover_guard::so_far(const situation& s) const {
  const bool waits = s.migrates() && s.at_pre_switchover();
  return {.by_brake = brake_,
          .ours_to_drive = waits && ours_to_drive(s),
          .ours_to_end = waits && ours_to_end(s),
          .meant_to_cancel = meant_to_cancel_,
          .mirrors_unseen = mirrors_unseen_,
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

/// What was begun is brought to its end whatever hold, budget or authority say by now; but what follows from
/// silence follows from nothing on a host that starves.
std::string switchover_guard::why_not(const situation& s, const guard::wish& w) const {
  const auto& in = s.in;
  if (!begun(s.vm)) {
    auto result = forbids(in.frame, in.by, w.step.needs);
    return result.empty() ? out_of_budget(in.by, in.of_vm, in.of_host, in.view.now) : result;
  }
  return w.of_silence && !in.frame.host_starved.empty() ? "host-starved: " + in.frame.host_starved : "";
}

void switchover_guard::take(const situation& s, guard::wish w, std::vector<decision>& out) {
  const auto& in = s.in;
  if (std::ranges::count(tried_, w.step) >= most_tries)
    return note(fmt::format("{} did not help; it is left to people.", w.step.action), out);
  if (w.step == current_ && in.view.now < again_at_) return;  // its effect is on its way
  if (auto result = why_not(s, w); !result.empty()) return decline(std::move(w), std::move(result), out);
  in.of_vm.spend(in.by, in.view.now);
  in.of_host.spend(in.by, in.view.now);
  acted_ = acting_ = true;
  if (w.step.action == "migrate_cancel") cancelling_for_dead_ = s.dead() != nullptr;
  if (brake::is_press(w.step)) brake_.was_pressed(w.step.undo, in.view.now);
  note(fmt::format("{}: {}.", w.step.action, w.why), out);
  current_ = w.step;
  tried_.push_back(w.step);
  out.push_back({key_, take_step{next_++, std::move(w.step)}});
}

/// On record once for each reason, however often they alternate.
void switchover_guard::decline(guard::wish w, std::string result, std::vector<decision>& out) {
  constexpr std::size_t most = 16;
  if (recorded_.size() >= most || !recorded_.insert(w.step.action + result).second) return;
  note(fmt::format("Would {}: {}.", w.step.action, w.why), out);
  last_result_ = result;
  out.push_back({key_, record_step{next_++, std::move(w.step), std::move(result)}});
}

void switchover_guard::step_done(step_outcome outcome, instant now) {
  acting_ = false;
  again_at_ = now + effect_within;
  if (brake::is_release(current_) && outcome == step_outcome::done) {
    brake_.was_released();
    std::erase_if(tried_, [](const policies::step& s) { return s.action == "migrate-set-parameters"; });
  }
  if (current_.action == "migrate_cancel" && cancelling_for_dead_) {
    // Whether QEMU has it is not known after a time-out: it may hang in vm_stop, where a yank can make it
    // abort.
    cancelled_for_dead_ = outcome == step_outcome::done;
    cancelling_for_dead_ = outcome != step_outcome::refused;
  }
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
  open_ = acting_ = acted_ = cancelling_for_dead_ = cancelled_for_dead_ = took_up_ = false;
  current_ = {};
  tried_.clear();
  last_note_.clear();
  last_result_.clear();
  recorded_.clear();
  next_ = 0;
}

void switchover_guard::end(const run_input& in, std::vector<decision>& out) {
  const bool completed = in.view.vm.migration && in.view.vm.migration->status == "completed";
  close(completed ? outcome_at_end(situation(in)) : "failed", out);
}

std::string switchover_guard::outcome_at_end(const situation& s) const {
  if (!acted_ && !last_result_.empty()) return outcome_of_record(last_result_);
  const bool completed = s.vm.migration && s.vm.migration->status == "completed";
  if (!completed) return s.vm.run_state == "running" || s.vm.run_state == "paused" ? "recovered" : "failed";
  return s.first(copy_state::broken) == nullptr ? "recovered" : "failed";
}

/// Its commands may be sent twice: what the model says now, not the record, tells whether they had their
/// effect. Those whose outcome is not known are therefore tried again.
void switchover_guard::resume(const record& r) {
  open_ = took_up_ = mirrors_unseen_ = true;
  acted_ = !r.begun.empty();
  next_ = r.on_record;
  for (const auto& s : r.begun) {
    if (std::ranges::find(r.unknown, s) == r.unknown.end()) tried_.push_back(s);
    if (brake::is_press(s) && !brake_.before()) brake_.was_pressed(s.undo, {});
    if (s == guard::cancel_migration()) meant_to_cancel_ = true;
  }
}

std::optional<boost::json::object> switchover_guard::left_in_qemu() const {
  if (!asked_to_arm_ && !brake_.before()) return std::nullopt;
  return boost::json::object{
      {"armed", asked_to_arm_},
      {"before", brake_.before() ? boost::json::value(*brake_.before()) : boost::json::value(nullptr)}};
}

void switchover_guard::remember(const boost::json::object& left) {
  const auto* armed = left.if_contains("armed");
  const auto* before = left.if_contains("before");
  asked_to_arm_ = armed != nullptr && armed->is_bool() && armed->get_bool();
  if (before != nullptr && before->is_object()) brake_.was_pressed(before->get_object(), {});
  mirrors_unseen_ = remembered_ = true;
}

void switchover_guard::taken_back() {
  asked_to_arm_ = false;
  brake_.was_released();
}

std::string switchover_guard::standing(const run_input& in) const {
  const situation s(in);
  if (!open_ && !mirrors(s.vm) && !begun(s.vm)) return "";
  if (s.migrates() && brake_.holds_back(s.vm)) return "holds the migration back until its mirrors are READY";
  if (open_) return "brings the migration over its switchover";
  if (s.vm.libvirt) return "left to libvirt, which guards its own switchovers; acts if it does not";
  if (armed_by_us(s.vm)) return "armed";
  if (s.vm.migrates_with.pause_before_switchover.value_or(false))
    return "left to whoever switched pause-before-switchover on; acts if nobody does";
  const auto why_not = forbids(in.frame, in.by, in.by.needs);
  if (!why_not.empty()) return "not armed (" + why_not + ")";
  if (brake_.holds_back(s.vm))
    return "holds migrations back; cannot pause them, pause-before-switchover was switched off";
  return s.migrates() ? "cannot guard: pause-before-switchover is off, and the migration will not wait"
                      : "not armed yet";
}

std::vector<policies::step> switchover_guard::to_take_back(const vm_model& vm) const {
  std::vector<policies::step> out;
  const bool runs = vm.migration && is_running(*vm.migration);
  if (runs && armed_by_us(vm) && !in_postcopy(*vm.migration) && !past_the_switchover(vm))
    out.push_back(guard::cancel_migration());
  if (auto release = brake_.release(vm)) out.push_back(std::move(*release));
  if (armed_by_us(vm)) out.push_back(guard::set_capabilities(false));
  return out;
}

}  // namespace unwedge::policies
