#include "policies/engine.hpp"

#include <algorithm>
#include <utility>

namespace unwedge::policies {
namespace {

std::string key_of(const policy& by, const std::string& subject) {
  return subject.empty() ? by.name : by.name + "/" + subject;
}

bool closes(const decision& d) {
  return std::holds_alternative<close_incident>(d.what);
}

/// What samples show is gone only when samples show that it is: after a restart there are none yet.
bool can_tell(condition_kind kind, const vm_view& view) {
  const bool by_samples = kind == condition_kind::mirror_stalled || kind == condition_kind::guest_io_stall;
  return !by_samples || view.io.looked_twice(view.now);
}

}  // namespace

std::vector<decision> engine::step(const look& l) {
  std::vector<decision> out;
  hold_now(l.view, holding_);
  if (!l.view.alive) {
    end_of_process(l, out);
    return out;
  }
  if (!holding_.empty() || !ladders_.empty()) step_ladders(l, out);
  const auto& vm = l.view.vm;
  if (guard_.on_watch() || (!vm.jobs.empty() && mirrors(vm)) || (vm.migration && is_running(*vm.migration)) ||
      vm.migrates_with.max_bandwidth == guard::held_bandwidth)
    step_guard(l, out);
  for (const auto& d : out) {
    if (closes(d)) closed_at_[policy_of(d.run)] = l.view.now;
  }
  return out;
}

bool engine::in_force(const policy& p, const look& l) {
  return p.enabled && p.match.matches(l.vm_name, l.view.vm.uuid);
}

const policy* engine::policy_for(const look& l, condition_kind kind, const std::string& state) const {
  const auto found = std::ranges::find_if(l.policies, [&](const policy& p) {
    return p.condition == kind && in_force(p, l) &&
           (p.states.empty() || std::ranges::find(p.states, state) != p.states.end());
  });
  return found == l.policies.end() ? nullptr : &*found;
}

run_input engine::input(const look& l, const policy& by, const std::string& run) {
  return {.view = l.view,
          .by = by,
          .frame = l.frame,
          .of_vm = budget_,
          .of_host = l.of_host,
          .busy = others_act(l, run)};
}

void engine::end_of_process(const look& l, std::vector<decision>& out) {
  if (std::exchange(ended_, true)) return;
  for (auto& [key, ladder] : ladders_) ladder.run.end(out);
  ladders_.clear();
  if (guard_policy_) guard_.end(input(l, *guard_policy_, std::string(guard_run)), out);
  const auto* gone = holding(condition_kind::process_gone, "");
  const auto* by = gone != nullptr ? policy_for(l, gone->kind, gone->state) : nullptr;
  if (by == nullptr) return;
  auto told = *gone;
  told.why = why(told, l.view);
  const auto* v = l.view.stall;
  out.push_back(
      {by->name, open_incident{by->name, std::move(told), v != nullptr ? std::optional(*v) : std::nullopt}});
  out.push_back({by->name, close_incident{"observed"}});
}

void engine::step_ladders(const look& l, std::vector<decision>& out) {
  for (const auto& c : holding_) {
    const auto* by = policy_for(l, c.kind, c.state);
    if (by == nullptr || by->guards_switchovers()) continue;  // the guard has its own run
    const auto closed = closed_at_.find(by->name);
    if (closed != closed_at_.end() && l.view.now - closed->second < by->cooldown) continue;
    const bool has_one = std::ranges::any_of(ladders_, [&](const auto& e) {
      return e.second.subject == c.subject && e.second.policy_name == by->name;
    });
    if (has_one) continue;
    const auto key = key_of(*by, c.subject);
    ladders_.emplace(key, ladder{ladder_run(key), by->name, c.kind, c.subject});
  }
  for (auto& [key, ladder] : ladders_) {
    const auto* holds = holding(ladder.about, ladder.subject);
    // What does not hold is believed only of a VM that talks; what is not known is no end.
    if (holds == nullptr && !(l.view.settled && can_tell(ladder.about, l.view))) continue;
    const auto by = std::ranges::find(l.policies, ladder.policy_name, &policy::name);
    if (by == l.policies.end() || !in_force(*by, l)) {  // a reload took it away
      ladder.run.retire(out);
      continue;
    }
    ladder.run.step(input(l, *by, key), holds, out);
  }
  std::erase_if(ladders_, [&](const auto& entry) {
    return !entry.second.run.open() && holding(entry.second.about, entry.second.subject) == nullptr;
  });
}

void engine::step_guard(const look& l, std::vector<decision>& out) {
  const auto* by = policy_for(l, condition_kind::mirror_at_switchover, "");
  if (by != nullptr && by->guards_switchovers()) {
    if (!guard_policy_ || !(*guard_policy_ == *by)) guard_policy_ = *by;
    return guard_.step(input(l, *by, std::string(guard_run)), out);
  }
  if (!guard_policy_ || !guard_.on_watch()) return;
  // A reload took its policy away: what was begun comes to its end, what was set is taken back.
  auto frame = l.frame;
  frame.held = "its policy is in force no more";
  guard_.step({.view = l.view,
               .by = *guard_policy_,
               .frame = frame,
               .of_vm = budget_,
               .of_host = l.of_host,
               .busy = others_act(l, guard_run)},
              out);
}

std::string engine::policy_of(const std::string& run) const {
  if (run == guard_run) return guard_policy_ ? guard_policy_->name : run;
  const auto found = ladders_.find(run);
  return found == ladders_.end() ? run.substr(0, run.find('/')) : found->second.policy_name;
}

void engine::step_done(const std::string& run, step_outcome outcome, instant now, step_budget& of_host) {
  const auto found = ladders_.find(run);
  if (outcome == step_outcome::refused && (found == ladders_.end() || found->second.run.spent())) {
    budget_.refund(policy_of(run));
    of_host.refund(policy_of(run));
  }
  if (found != ladders_.end()) found->second.run.step_done(outcome, now);
  if (run == guard_run) guard_.step_done(outcome, now);
}

void engine::precaution_done(const policies::step& s, bool accepted, instant now) {
  guard_.precaution_done(s, accepted, now);
}

bool engine::confirms(const std::string& run, const policies::step& s, const look& l) {
  hold_now(l.view, holding_);
  if (run == guard_run) {
    if (!guard_policy_) return false;
    const auto now = std::ranges::find(l.policies, guard_policy_->name, &policy::name);
    return guard_.confirms(s, input(l, now != l.policies.end() ? *now : *guard_policy_, run));
  }
  const auto found = ladders_.find(run);
  if (found == ladders_.end()) return false;
  const auto by = std::ranges::find(l.policies, found->second.policy_name, &policy::name);
  return by != l.policies.end() && in_force(*by, l) &&
         found->second.run.confirms(s, input(l, *by, run),
                                    holding(found->second.about, found->second.subject));
}

std::optional<boost::json::object> engine::left_in_qemu() const {
  return guard_.left_in_qemu();
}

void engine::remember(const boost::json::object& left) {
  guard_.remember(left);
}

std::string engine::resume(const policy& by, const std::string& subject, const record& r) {
  if (by.guards_switchovers()) {
    guard_policy_ = by;
    guard_.resume(r);
    return std::string(guard_run);
  }
  const auto key = key_of(by, subject);
  ladder l{ladder_run(key), by.name, by.condition, subject};
  l.run.resume(by, r);
  ladders_.insert_or_assign(key, std::move(l));
  return key;
}

const condition* engine::holding(condition_kind kind, const std::string& subject) const {
  const auto found = std::ranges::find_if(
      holding_, [&](const condition& c) { return c.kind == kind && c.subject == subject; });
  return found == holding_.end() ? nullptr : &*found;
}

bool engine::others_act(const look& l, std::string_view run) const {
  if (l.operator_acts) return true;
  if (run != guard_run && guard_.acting()) return true;
  return std::ranges::any_of(ladders_,
                             [&](const auto& l) { return l.first != run && l.second.run.acting(); });
}

bool engine::incident_open() const {
  return guard_.open() || std::ranges::any_of(ladders_, [](const auto& l) { return l.second.run.open(); });
}

bool engine::acting() const {
  return guard_.acting() ||
         std::ranges::any_of(ladders_, [](const auto& l) { return l.second.run.acting(); });
}

std::vector<std::string> engine::open_policies() const {
  std::vector<std::string> out;
  for (const auto& [key, l] : ladders_) {
    if (l.run.open()) out.push_back(l.policy_name);
  }
  if (guard_.open()) out.push_back(policy_of(std::string(guard_run)));
  return out;
}

std::string engine::guard_standing(const look& l) const {
  const auto* by = policy_for(l, condition_kind::mirror_at_switchover, "");
  if (by == nullptr || !by->guards_switchovers()) return "";
  step_budget none;
  return guard_.standing({.view = l.view, .by = *by, .frame = l.frame, .of_vm = none, .of_host = none});
}

std::vector<policies::step> engine::to_take_back(const vm_model& vm) const {
  return guard_.to_take_back(vm);
}

}  // namespace unwedge::policies
