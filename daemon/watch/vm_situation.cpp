#include "daemon/watch/vm_situation.hpp"

#include <fmt/format.h>

namespace unwedge::watch {
namespace {

policies::instant now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

std::string_view to_string(vm_state s) {
  switch (s) {
    case vm_state::healthy:
      return "healthy";
    case vm_state::suspect:
      return "suspect";
    case vm_state::stalled:
      return "stalled";
    case vm_state::held:
      return "held";
    case vm_state::gone:
      return "gone";
  }
  return "unknown";
}

vm_state vm_situation::state() const {
  if (from_.process.gone) return vm_state::gone;
  const auto& verdict = from_.stall.verdict();
  if (verdict && !is_only_late(verdict->kind)) return vm_state::stalled;
  const bool mute = !from_.vm.no_monitor && !from_.monitor.is_ready();
  if (from_.stall.active() || mute) return vm_state::suspect;
  if (from_.vm.held() != nullptr) return vm_state::held;
  return vm_state::healthy;
}

bool vm_situation::talking() const {
  return from_.monitor.is_ready() && from_.monitor.is_synced() && !from_.stall.active();
}

/// And nothing that the last events call for is unanswered: that something is over may be believed.
bool vm_situation::settled() const {
  if (from_.vm.lent) return false;
  if (from_.vm.no_monitor) return !from_.stall.active();
  const auto& said = from_.vm.model.monitor.last_reply;
  const bool since_lent = from_.vm.lent_until == policies::instant{} || (said && *said > from_.vm.lent_until);
  return since_lent && talking() && from_.monitor.wants_nothing() &&
         (!from_.monitor.session()->in_band_outstanding() || !from_.engine.incident_open());
}

policies::vm_view vm_situation::view(policies::instant at) const {
  const auto& verdict = from_.stall.verdict();
  const bool stalled = verdict && (from_.process.gone || from_.stall.active());
  return {.vm = from_.vm.model,
          .io = from_.stall.io(),
          .now = at,
          .alive = !from_.process.gone,
          .talking = talking(),
          .settled = settled(),
          .stall = stalled ? &*verdict : nullptr};
}

policies::action_frame vm_situation::frame() const {
  policies::action_frame f{.allowed = from_.vm.allowed(), .dry_run = from_.vm.shared.settings->dry_run};
  if (const auto* h = from_.vm.held()) f.held = h->reason.empty() ? "by the operator" : h->reason;
  f.host_starved = from_.vm.shared.host_starved;
  return f;
}

std::string vm_situation::forbids(policies::authority needs) const {
  const auto f = frame();
  if (f.allowed < needs)
    return fmt::format("it needs the authority {}, and this VM's is {}", to_string(needs),
                       to_string(f.allowed));
  if (f.dry_run) return "a dry run: nothing is done";
  if (!f.held.empty()) return fmt::format("the VM is held ({}); unwedgectl release ends that", f.held);
  return "";
}

policies::look vm_situation::look(const policies::vm_view& v, const policies::action_frame& f) const {
  auto& shared = from_.vm.shared;
  return {.view = v,
          .vm_name = from_.vm.name,
          .policies = *shared.policies,
          .frame = f,
          .of_host = shared.host_budget,
          .operator_acts = from_.vm.operator_acts};
}

bool vm_situation::nothing_to_decide() const {
  const auto& model = from_.vm.model;
  return !from_.stall.verdict() && !from_.process.gone && model.jobs.empty() && !from_.vm.migrates() &&
         !from_.stall.io().waits() && !from_.engine.on_watch() &&
         model.migrates_with.max_bandwidth != policies::guard::held_bandwidth;
}

std::vector<policies::decision> vm_situation::decide(policies::instant at) {
  const auto seen = view(at);
  const auto set_by = frame();
  return from_.engine.step(look(seen, set_by));
}

bool vm_situation::confirms(const std::string& run, const policies::step& s) {
  const auto seen = view(now());
  const auto set_by = frame();
  return from_.engine.confirms(run, s, look(seen, set_by));
}

policies::conditions vm_situation::conditions() const {
  auto out = from_.engine.holding();
  const auto seen = view(now());
  for (auto& c : out) c.why = policies::why(c, seen);
  return out;
}

std::string vm_situation::guard_standing() const {
  const auto seen = view(now());
  const auto set_by = frame();
  return from_.engine.guard_standing(look(seen, set_by));
}

}  // namespace unwedge::watch
