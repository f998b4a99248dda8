// The part of a simulated daemon that carries out what the engine decides, and tells it what came of it.
#include "simulated_daemon.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace unwedge::policies::fake {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds command_patience{1'500};
constexpr milliseconds until_on_disk{10};

}  // namespace

void simulated_daemon::take_replies(instant now) {
  for (std::size_t i = 0; i < sent_.size(); ++i) {  // an outcome may send more
    auto& c = sent_[i];
    const bool late = !c.asks && !c.abandoned && now - c.at >= command_patience;
    if (!late) continue;
    c.abandoned = true;
    if (c.act.action.starts_with("migrate-set-")) want({.settings = true});  // did it take effect?
    if (c.takes_back)
      give_up_taking_back();
    else if (c.run.empty())
      precaution_done(c.act, false, now);
    else
      outcome("failed: no answer", now);
  }
  while (!sent_.empty() && now > sent_.front().at && around_.qemu.answers_in_band()) {
    const auto c = sent_.front();
    sent_.pop_front();
    on_reply(c, now);
    if (dead_) return;
  }
  if (sent_.empty()) ask_next(now);
}

void simulated_daemon::on_reply(const sent_command& c, instant now) {
  vm_.monitor.last_reply = now;
  if (c.asks || sent_.empty()) vm_.monitor.waiting_since.reset();
  if (c.asks) {
    apply_reply(vm_, *c.asks, around_.qemu.document(*c.asks), now);
    const bool is = vm_.migration && is_running(*vm_.migration);
    if (is != was_migrating_ || at_risk(vm_) != was_at_risk_) {  // no event said so
      want({.settings = is});
      note_risk(now);
    }
    const bool told = *c.asks == query::migrate && vm_.migration && is_running(*vm_.migration);
    if (told && !vm_.migration->postcopy_enabled) wanted_.push_back(query::migrate_capabilities);
  } else {
    const auto answer = around_.qemu.execute(c.act.action, c.act.arguments, sender::unwedged);
    around_.told.remark(
        now, fmt::format("QEMU did {}: {}", in_short(c.act), answer.accepted ? "ok" : answer.why_not));
    if (!c.abandoned && answer.accepted)
      apply_accepted(vm_, c.act.action, c.act.arguments, now);
    else if (!c.abandoned && c.act.action.starts_with("migrate-set-"))
      want({.settings = true});
    if (c.takes_back && !answer.accepted) give_up_taking_back();
    const bool precaution = c.run.empty() && !c.takes_back;
    if (!c.abandoned && precaution) precaution_done(c.act, answer.accepted, now);
    if (!c.abandoned && !c.run.empty()) outcome(answer.accepted ? "done" : "failed: " + answer.why_not, now);
  }
  ask_next(now);
  synced_ = synced_ || (wanted_.empty() &&
                        std::ranges::none_of(sent_, [](const auto& s) { return s.asks.has_value(); }));
  if (suspicion_.active()) review(now);
  if ((engine_.on_watch() || at_risk(vm_)) && wanted_.empty()) wake(now);
}

void simulated_daemon::carry_out(const std::string& run, const open_incident& d, instant now) {
  if (!around_.disk.emplace(run, kept_incident{d.policy, d.condition.subject, {}}).second)
    around_.broken_rules.push_back(run + " was opened twice");
  const auto what = d.verdict ? std::string(to_string(d.verdict->kind)) : d.condition.state;
  around_.told.tell(
      now, fmt::format("open {}: {}{}", run, to_string(d.condition.kind), what.empty() ? "" : " " + what));
  around_.told.remark(now, d.condition.why);
}

void simulated_daemon::carry_out(const std::string& run, const amend_verdict& d, instant now) {
  around_.told.tell(now, fmt::format("amend {}: {}", run, to_string(d.verdict.kind)));
}

void simulated_daemon::carry_out(const std::string& run, const add_note& d, instant now) {
  around_.told.remark(now, fmt::format("note {}: {}", run, d.text));
}

void simulated_daemon::carry_out(const std::string& run, const record_step& d, instant now) {
  around_.told.tell(now, fmt::format("record {}: {} {}", run, in_short(d.step), d.result));
  around_.disk[run].steps.push_back({d.step, d.result});
}

void simulated_daemon::carry_out(const std::string& run, const close_incident& d, instant now) {
  if (around_.disk.erase(run) == 0) around_.broken_rules.push_back(run + " was closed, but not open");
  around_.told.tell(now, fmt::format("close {}: {}", run, d.outcome));
  if (!gone_ && run.starts_with("monitor-stall")) verdict_.reset();
}

void simulated_daemon::carry_out(const std::string&, const set_precaution& d, instant now) {
  around_.told.tell(now, "set " + in_short(d.step));
  save_precautions();
  send(d.step, "", now);
}

void simulated_daemon::precaution_done(const step& s, bool accepted, instant now) {
  engine_.precaution_done(s, accepted, now);
  save_precautions();
}

void simulated_daemon::carry_out(const std::string& run, const take_step& d, instant now) {
  around_.told.tell(now, fmt::format("take {}: {}", run, in_short(d.step)));
  if (acting_) around_.broken_rules.push_back(run + " takes a step beside that of " + acting_->run);
  if (!around_.disk.contains(run)) around_.broken_rules.push_back(run + " acts without an incident");
  const bool begun_before = run == "switchover-guard";  // what it began it brings to its end
  if (around_.frame.dry_run && !begun_before) around_.broken_rules.push_back(run + " acts in a dry run");
  around_.disk[run].steps.push_back({d.step, ""});
  acting_ = begun_step{run, d.step, now + (d.step.urgent ? milliseconds(0) : until_on_disk)};
  wake(now);
}

/// Its intent is on record; the ground for it is looked at once more; it is sent.
void simulated_daemon::perform(instant now) {
  if (!acting_ || acting_->sent || now < acting_->due) return;
  if (around_.next_step == killed::with_the_intent_on_record) {
    dead_ = true;
    return;
  }
  if (cuts_from_outside(acting_->step)) return perform_from_outside(now);
  const bool on_process = acts_on_process(acting_->step);
  if (!on_process && !vm_.monitor.ready) return outcome("refused: the connection was lost", now);
  if (!last_look(now)) return outcome("refused: at the last look it was another situation", now);
  if (acting_->step.action != "flag-core") count_step(acting_->run, now);
  if (on_process) {
    if (around_.next_step == killed::with_the_command_sent)
      dead_ = true;
    else
      outcome("done", now);
    return;
  }
  if (acting_->step.action != "yank") {
    acting_->sent = true;
    send(acting_->step, acting_->run, now);
    return;
  }
  if (!around_.qemu.answers_out_of_band()) return outcome("failed: no answer", now);
  around_.qemu.is_sent("yank", acting_->step.arguments);
  const auto answer = around_.qemu.execute("yank", acting_->step.arguments, sender::unwedged);
  if (around_.next_step == killed::with_the_command_sent)
    dead_ = true;
  else
    outcome(answer.accepted ? "done" : "failed: " + answer.why_not, now);
}

/// As the executor has it: needs no monitor, and what is refused to it is a failure, not another situation.
void simulated_daemon::perform_from_outside(instant now) {
  if (!last_look(now)) return outcome("refused: at the last look it was another situation", now);
  count_step(acting_->run, now);
  const auto& s = acting_->step;
  if (around_.frame.allowed < s.needs)
    around_.broken_rules.push_back(s.action + " without the authority for it");
  std::string why_not;
  if (s.action == "rescue-root") {
    why_not = around_.qemu.lease(s.arguments);
  } else {
    for (const auto& c : s.arguments.at("connections").as_array()) {
      if (why_not.empty()) why_not = around_.qemu.sever(c.as_object());
    }
  }
  if (around_.next_step == killed::with_the_command_sent)
    dead_ = true;
  else
    outcome(why_not.empty() ? "done" : "failed: " + why_not, now);
}

bool simulated_daemon::last_look(instant now) {
  const bool yanks = acting_->step.action == "yank";
  if (yanks || cuts_from_outside(acting_->step)) {
    const bool asked = vm_.monitor.ready && vm_.monitor.oob && around_.qemu.answers_out_of_band();
    if (yanks && !around_.qemu.answers_out_of_band()) return false;
    if (yanks || asked) apply_reply(vm_, query::yank, around_.qemu.document(query::yank), now);
    const bool of_a_stall = view(now).stall != nullptr;
    sample(now);
    if (gone_ || (of_a_stall && !suspicion_.judge(vm_, probe_settings{}))) return false;
  }
  const auto seen = view(now);
  return engine_.confirms(acting_->run, acting_->step, look(seen));
}

void simulated_daemon::send(const step& s, const std::string& run, instant now) {
  if (!vm_.monitor.waiting_since) vm_.monitor.waiting_since = now;
  around_.qemu.is_sent(s.action, s.arguments);
  sent_.push_back({.asks = std::nullopt, .act = s, .run = run, .at = now});
  if (!run.empty() && around_.next_step == killed::with_the_command_sent) {
    if (around_.qemu.answers_in_band()) around_.qemu.execute(s.action, s.arguments, sender::unwedged);
    dead_ = true;
  }
}

void simulated_daemon::outcome(const std::string& result, instant now) {
  const auto done = *std::exchange(acting_, std::nullopt);
  if (result != "done")
    around_.told.tell(now, fmt::format("{}: {} {}", done.run, in_short(done.step), result));
  if (const auto kept = around_.disk.find(done.run); kept != around_.disk.end())
    kept->second.steps.back().result = result;
  const auto kind = result == "done"                ? step_outcome::done
                    : result.starts_with("refused") ? step_outcome::refused
                                                    : step_outcome::failed;
  engine_.step_done(done.run, kind, now, around_.of_host);
  save_precautions();
  decide(now);
  wake(now);
}

/// The rule of the budgets, counted here once more: of steps that were sent.
void simulated_daemon::count_step(const std::string& run, instant now) {
  const auto name = run.substr(0, run.find('/'));
  const auto by = std::ranges::find(around_.policies, name, &policy::name);
  auto& steps = around_.steps_taken[name];
  steps.push_back(now);
  while (now - steps.front() >= by->budget.window) steps.pop_front();
  if (steps.size() > by->budget.per_vm) around_.broken_rules.push_back(name + " exceeds its budget");
}

void simulated_daemon::ends_in_order() {
  if (to_take_back_ || !talking()) {
    dead_ = true;
    return;
  }
  const auto steps = engine_.to_take_back(vm_);
  to_take_back_.emplace(steps.begin(), steps.end());
}

/// The next one, once the last was answered. What is decided no more is not sent either.
void simulated_daemon::take_back(instant now) {
  if (std::ranges::any_of(sent_, [](const auto& c) { return c.takes_back && !c.abandoned; })) return;
  if (!to_take_back_->empty()) {
    const auto next = to_take_back_->front();
    if (next.action == "migrate-set-capabilities" && !migration_is_over(now)) return;
    to_take_back_->pop_front();
    around_.told.remark(now, "takes back: " + in_short(next));
    send(next, "", now);
    sent_.back().takes_back = true;
    return;
  }
  if (!took_back_in_vain_) engine_.taken_back();
  save_precautions();
  dead_ = true;
}

void simulated_daemon::give_up_taking_back() {
  to_take_back_->clear();
  took_back_in_vain_ = true;
}

bool simulated_daemon::migration_is_over(instant now) {
  if (!waits_until_) waits_until_ = now + command_patience;
  if (!vm_.migration || !is_running(*vm_.migration) || now >= *waits_until_) return true;
  if (!in_band_outstanding()) ask(query::migrate, now);
  return false;
}

}  // namespace unwedge::policies::fake
