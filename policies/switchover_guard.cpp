#include "policies/switchover_guard.hpp"

#include "policies/conditions/conditions.hpp"
#include "policies/sentence.hpp"
#include "qmp/printable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace unwedge::policies {
namespace {

using boost::json::array;
using boost::json::object;

/// A command that QEMU refused, or that nobody knows the fate of, may be sent again; for ever, no.
constexpr std::ptrdiff_t most_tries = 3;
/// Between a command and the event that shows its effect.
constexpr std::chrono::seconds effect_within{2};

/// QEMU's own defaults (migration/options.c).
const object usual_parameters{{"max-bandwidth", 134'217'728}, {"downtime-limit", 300}};

object capability(std::string_view name, bool on) {
  return {{"capability", name}, {"state", on}};
}

step set_capabilities(bool on) {
  array list{capability("pause-before-switchover", on)};
  if (on) list.push_back(capability("events", true));
  return {.action = "migrate-set-capabilities", .arguments = {{"capabilities", std::move(list)}}};
}

/// Lower than any migration can use: on 7.2 zero pages cost nine bytes each, from 9.0 on they are not even counted
/// until a buffer is full, so they are sent as pages for the time being. And no downtime is short enough.
step hold_step(const vm_model& vm) {
  const auto& m = vm.migrates_with;
  step s{.action = "migrate-set-parameters",
         .arguments = {{"max-bandwidth", held_bandwidth}, {"downtime-limit", 0}},
         .undo = {{"max-bandwidth", m.max_bandwidth.value_or(0)}, {"downtime-limit", m.downtime_limit.value_or(300)}}};
  if (!m.zero_page_detection.empty()) {
    s.arguments["zero-page-detection"] = "none";
    s.undo["zero-page-detection"] = m.zero_page_detection;
  }
  s.urgent = true;
  return s;
}

step release_step(const object& parameters) {
  return {.action = "migrate-set-parameters", .arguments = parameters};
}

step cancel_step() {
  return {.action = "migrate_cancel", .arguments = {}};
}

step conclude_step(const std::string& job) {
  return {.action = "block-job-cancel", .arguments = {{"device", job}, {"force", false}}};
}

step continue_step() {
  return {.action = "migrate-continue", .arguments = {{"state", "pre-switchover"}}};
}

bool guards(const vm_model& vm) {
  return vm.migration && is_running(*vm.migration) && vm.run_state != "inmigrate";
}

bool all_are(const std::vector<copy>& all, std::initializer_list<copy_state> states) {
  return std::ranges::all_of(
      all, [&](const copy& c) { return std::ranges::find(states, c.state) != states.end(); });
}

const copy* first_that_is(const std::vector<copy>& all, copy_state state) {
  const auto found = std::ranges::find(all, state, &copy::state);
  return found == all.end() ? nullptr : &*found;
}

std::string broken_sentence(const copy& c) {
  return fmt::format("mirror {} failed ({}): the destination's disk is not whole", qmp::printable(c.job),
                     qmp::printable(c.error));
}

/// Dead: it has owed an answer for the patience, and its job got nowhere meanwhile.
const copy* dead_one(const run_input& in, const std::vector<copy>& all) {
  for (const auto& c : all) {
    if (c.details == nullptr || c.state == copy_state::whole || c.state == copy_state::broken) continue;
    const auto silent = in.view.io.silent_since(in.view.vm, *c.details);
    if (!silent) continue;
    if (in.view.now - std::max(*silent, c.details->progressed) >= in.by.patience) return &c;
  }
  return nullptr;
}

}  // namespace

void switchover_guard::step(const run_input& in, std::vector<decision>& out) {
  const auto& vm = in.view.vm;
  if (acting_) return;
  const auto all = copies(vm);
  if (!guards(vm) || in_postcopy(*vm.migration)) {
    if (guards(vm)) note("Post-copy has begun: the guard does nothing more.", out);
    if (auto yank = cancelled_for_dead_ ? yank_a_dead_target(in, all) : std::nullopt)
      return take(in, std::move(*yank), out);
    if (auto undo = after_the_migration(in)) return take(in, std::move(*undo), out);
    if (open_ && in.view.settled) close(outcome_at_end(vm, all), out);
    if (!guards(vm)) tried_.clear();
    if (in.view.settled) arm(in, out);
    return;
  }
  if (in.busy) return;
  auto wanted = wish_for(in, all);
  if (!wanted) return;
  if (!open_) begin(in, all, out);
  take(in, std::move(*wanted), out);
}

/// Only while a mirror runs: with the capability on, each migration needs somebody to continue it. Asked once for
/// each time that mirrors run: a manager that switches it off again (Proxmox) has its reasons.
void switchover_guard::arm(const run_input& in, std::vector<decision>& out) {
  const auto& vm = in.view.vm;
  const auto& is = vm.migrates_with.pause_before_switchover;
  if (!is || in.busy || vm.run_state == "inmigrate") return;
  if (!held_ && vm.migrates_with.max_bandwidth == held_bandwidth && !std::exchange(cleaned_up_, true)) {
    out.push_back({"", set_precaution{release_step(usual_parameters), "an earlier run of ours left it slowed down"}});
    return;
  }
  if (!mirrors(vm)) {
    if (armed_by_us(vm)) out.push_back({"", set_precaution{set_capabilities(false), "no mirror runs any more"}});
    asked_to_arm_ = false;
    return;
  }
  if (*is || asked_to_arm_ || vm.libvirt) return;
  if (!forbids(in.frame, in.by, in.by.needs).empty()) return;
  asked_to_arm_ = true;
  out.push_back({"", set_precaution{set_capabilities(true),
                                    "a mirror runs: a migration must not complete before it is done"}});
}

bool switchover_guard::armed_by_us(const vm_model& vm) const {
  return asked_to_arm_ && vm.migrates_with.pause_before_switchover.value_or(false);
}

std::optional<switchover_guard::wish> switchover_guard::wish_for(const run_input& in,
                                                                 const std::vector<copy>& all) const {
  const auto& status = in.view.vm.migration->status;
  // Its cancel may hang the main loop (7.2 drains in its cleanup): the yank goes out of band and must not wait.
  if (cancelled_for_dead_) return yank_a_dead_target(in, all);
  if (!in.view.talking) return std::nullopt;
  if (status == "pre-switchover") return at_pre_switchover(in, all);
  if (status == "setup" || status == "active" || status == "wait-unplug") return while_active(in, all);
  return std::nullopt;  // cancelling, device: nothing can be done any more
}

std::optional<switchover_guard::wish> switchover_guard::while_active(const run_input& in,
                                                                     const std::vector<copy>& all) const {
  const auto& vm = in.view.vm;
  if (const auto* c = first_that_is(all, copy_state::broken)) return wish{cancel_step(), broken_sentence(*c)};
  if (const auto* c = dead_one(in, all)) {
    return wish{cancel_step(), fmt::format("the target of mirror {} is dead: the switchover would hang",
                                           qmp::printable(c->job))};
  }
  const bool not_ready = first_that_is(all, copy_state::copying) != nullptr;
  if (held_ && !not_ready) return wish{release_step(*held_), "its mirrors are READY"};
  if (held_ && in.view.now - held_since_ >= in.by.guard.hold_for) {
    return wish{cancel_step(), fmt::format("its mirrors were not READY within {}", in_words(in.by.guard.hold_for))};
  }
  const auto& with = vm.migrates_with;
  if (held_ || !not_ready || !with.max_bandwidth || with.parameters_at < vm.migration->began) return std::nullopt;
  return wish{hold_step(vm), "it must not come to its switchover while a mirror still copies"};
}

std::optional<switchover_guard::wish> switchover_guard::at_pre_switchover(const run_input& in,
                                                                          const std::vector<copy>& all) const {
  if (!ours_to_drive(in)) return std::nullopt;
  if (all.empty() && !armed_by_us(in.view.vm)) return std::nullopt;
  if (const auto* c = first_that_is(all, copy_state::broken)) return wish{cancel_step(), broken_sentence(*c)};
  if (all_are(all, {copy_state::whole}))
    return wish{continue_step(), all.empty() ? "no mirror is left" : "its mirrors concluded without error"};
  if (auto yank = yank_a_dead_target(in, all); yank && !tried(yank->step)) return yank;
  for (const auto& c : all) {
    auto conclude = conclude_step(c.job);
    if (c.state == copy_state::ready && !tried(conclude))
      return wish{std::move(conclude), fmt::format("mirror {} is READY", qmp::printable(c.job))};
  }
  if (in.view.now - in.view.vm.migration->since < in.by.guard.stopped_for) return std::nullopt;
  return wish{cancel_step(), fmt::format("the guest has stood still for {}, and its mirrors are not done",
                                         in_words(in.view.now - in.view.vm.migration->since))};
}

/// Before the yank of a mirror in an iothread vm_stop must be over, or not come any more (qemu-facts 8.2).
std::optional<switchover_guard::wish> switchover_guard::yank_a_dead_target(const run_input& in,
                                                                           const std::vector<copy>& all) const {
  const auto* dead = dead_one(in, all);
  if (dead == nullptr) return std::nullopt;
  const auto plan = yank_target(dead->job, in.view);
  if (plan.ladder.empty() || tried(plan.ladder.front())) return std::nullopt;
  return wish{plan.ladder.front(), fmt::format("the target of mirror {} is dead", qmp::printable(dead->job))};
}

std::optional<switchover_guard::wish> switchover_guard::after_the_migration(const run_input& in) const {
  if (!held_ || !in.view.talking) return std::nullopt;
  auto undo = release_step(*held_);
  if (std::ranges::count(tried_, undo) >= most_tries) return std::nullopt;
  return wish{std::move(undo), "the migration is over: its parameters go back to what they were"};
}

/// A manager that switched pause-before-switchover on itself concludes its mirrors itself, at once; if nothing came
/// of it after the grace, it has died, or was none.
bool switchover_guard::ours_to_drive(const run_input& in) const {
  if ((took_up_ || armed_by_us(in.view.vm)) && !in.view.vm.libvirt) return true;
  return in.view.now - in.view.vm.migration->since >= in.by.guard.manager_grace;
}

bool switchover_guard::tried(const policies::step& s) const {
  return std::ranges::find(tried_, s) != tried_.end();
}

void switchover_guard::begin(const run_input& in, const std::vector<copy>&, std::vector<decision>& out) {
  auto why = holds::mirror_at_switchover(in.view);
  condition c = why.empty() ? condition{.kind = condition_kind::mirror_at_switchover,
                                        .subject = "",
                                        .state = "concluded",
                                        .since = in.view.vm.migration->since,
                                        .why = "A migration waits at its switchover, with its mirrors concluded."}
                            : std::move(why.front());
  c.subject.clear();
  open_ = true;
  acted_ = false;
  recorded_.clear();
  out.push_back({key_, open_incident{in.by.name, std::move(c), std::nullopt}});
}

void switchover_guard::take(const run_input& in, wish w, std::vector<decision>& out) {
  if (std::ranges::count(tried_, w.step) >= most_tries) {
    note(fmt::format("{} did not help; it is left to people.", w.step.action), out);
    return;
  }
  if (w.step == current_ && in.view.now < again_at_) return;  // its effect is on its way
  // What was begun is brought to its end whatever the frame says by now: a guest would stand still for it.
  if (!acted_) {
    auto why_not = forbids(in.frame, in.by, w.step.needs);
    if (why_not.empty()) why_not = out_of_budget(in.by, in.of_vm, in.of_host, in.view.now);
    if (!why_not.empty()) {
      const auto key = w.step.action + why_not;
      if (std::exchange(recorded_, key) != key) {
        note(fmt::format("Would {}: {}.", w.step.action, w.why), out);
        out.push_back({key_, record_step{next_++, std::move(w.step), std::move(why_not)}});
      }
      return;
    }
  }
  in.of_vm.spend(in.by, in.view.now);
  in.of_host.spend(in.by, in.view.now);
  acted_ = acting_ = true;
  if (w.step.action == "migrate_cancel" && in.view.vm.migration->status != "pre-switchover")
    cancelled_for_dead_ = dead_one(in, copies(in.view.vm)) != nullptr;
  note(fmt::format("{}: {}.", w.step.action, w.why), out);
  current_ = w.step;
  tried_.push_back(w.step);
  out.push_back({key_, take_step{next_++, std::move(w.step)}});
}

void switchover_guard::step_done(step_outcome outcome, instant now) {
  acting_ = false;
  again_at_ = now + effect_within;
  if (current_.action == "migrate-set-parameters" && outcome == step_outcome::done) {
    if (current_.undo.empty()) {
      held_.reset();
      tried_.erase(std::remove_if(tried_.begin(), tried_.end(),
                                  [](const policies::step& s) { return s.action == "migrate-set-parameters"; }),
                   tried_.end());
    } else {
      held_ = current_.undo;
      held_since_ = now;
    }
  }
  if (current_.action == "yank") cancelled_for_dead_ = false;
}

bool switchover_guard::confirms(const policies::step& s, const run_input& in) const {
  const auto& vm = in.view.vm;
  if (!guards(vm)) return s.action == "migrate-set-parameters" || (s.action == "yank" && cancelled_for_dead_);
  const auto all = copies(vm);
  if (s.action == "yank") {
    const auto* dead = dead_one(in, all);
    if (dead == nullptr) return false;
    const auto plan = yank_target(dead->job, in.view);
    return !plan.ladder.empty() && plan.ladder.front() == s;
  }
  const auto& status = vm.migration->status;
  if (s.action == "migrate-continue") return status == "pre-switchover" && all_are(all, {copy_state::whole});
  if (s.action == "block-job-cancel") {
    return status == "pre-switchover" && std::ranges::any_of(all, [&](const copy& c) {
             return c.state == copy_state::ready && conclude_step(c.job) == s;
           });
  }
  if (s.action == "migrate_cancel") return status != "device" && !in_postcopy(*vm.migration);
  return true;
}

void switchover_guard::note(std::string text, std::vector<decision>& out) {
  if (open_ && std::exchange(last_note_, text) != text) out.push_back({key_, add_note{std::move(text)}});
}

void switchover_guard::close(std::string outcome, std::vector<decision>& out) {
  if (!open_) return;
  out.push_back({key_, close_incident{std::move(outcome)}});
  open_ = acting_ = acted_ = cancelled_for_dead_ = took_up_ = false;
  current_ = {};
  held_.reset();
  tried_.clear();
  last_note_.clear();
  recorded_.clear();
  next_ = 0;
}

std::string switchover_guard::outcome_at_end(const vm_model& vm, const std::vector<copy>& all) const {
  if (!recorded_.empty() && !acted_) return recorded_.ends_with("dry-run") ? "dry-run" : "observed";
  const bool completed = vm.migration && vm.migration->status == "completed";
  if (!completed) return vm.run_state == "running" || vm.run_state == "paused" ? "recovered" : "failed";
  return first_that_is(all, copy_state::broken) == nullptr ? "recovered" : "failed";
}

/// Its commands may be sent twice: what the model says now, not the record, tells whether they had their effect. Those
/// whose outcome is not known are therefore tried again.
void switchover_guard::resume(const record& r) {
  open_ = took_up_ = true;
  acted_ = !r.begun.empty();
  next_ = r.on_record;
  for (const auto& s : r.begun) {
    if (std::ranges::find(r.unknown, s) == r.unknown.end()) tried_.push_back(s);
    if (s.action != "migrate-set-parameters") continue;
    if (s.undo.empty())
      held_.reset();
    else
      held_ = s.undo;
  }
}

std::string switchover_guard::standing(const run_input& in) const {
  const auto& vm = in.view.vm;
  const bool runs = guards(vm);
  if (!mirrors(vm) && !runs) return "";
  if (runs && !mirrors(vm) && !open_) return "";
  if (held_) return "holds the migration back until its mirrors are READY";
  if (open_) return "brings the migration over its switchover";
  if (vm.libvirt) return "left to libvirt, which guards its own switchovers; acts if it does not";
  const auto& is = vm.migrates_with.pause_before_switchover;
  if (is && *is) return armed_by_us(vm) ? "armed" : "left to whoever switched pause-before-switchover on; acts if nobody does";
  const auto why_not = forbids(in.frame, in.by, in.by.needs);
  if (!why_not.empty()) return "not armed (" + why_not + ")";
  return runs ? "cannot guard: pause-before-switchover is off, and the migration will not wait" : "not armed yet";
}

std::vector<policies::step> switchover_guard::to_take_back(const vm_model& vm) const {
  std::vector<policies::step> out;
  if (held_) out.push_back(release_step(*held_));
  const bool runs = vm.migration && is_running(*vm.migration);
  if (armed_by_us(vm) && !runs) out.push_back(set_capabilities(false));
  return out;
}

}  // namespace unwedge::policies
