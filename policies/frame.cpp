#include "policies/frame.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace unwedge::policies {

std::string operator_forbids(const action_frame& frame, const policy& by, authority needs) {
  if (frame.allowed < std::max(needs, by.needs)) return "observed";
  if (frame.dry_run || by.dry_run) return "dry-run";
  if (!frame.held.empty()) return "held: " + frame.held;
  return "";
}

std::string forbids(const action_frame& frame, const policy& by, authority needs) {
  if (auto decided = operator_forbids(frame, by, needs); !decided.empty()) return decided;
  if (!frame.host_starved.empty()) return "host-starved: " + frame.host_starved;
  return "";
}

std::string out_of_budget(const policy& by, step_budget& of_vm, step_budget& of_host, instant now) {
  const auto hours = std::chrono::duration<double, std::ratio<3600>>(by.budget.window).count();
  if (!of_vm.allows(by, by.budget.per_vm, now)) {
    return fmt::format("budget: {} took {} steps on this VM within {:.3g} h", by.name, by.budget.per_vm,
                       hours);
  }
  if (!of_host.allows(by, by.budget.per_host, now)) {
    return fmt::format("budget: {} took {} steps on this host within {:.3g} h", by.name, by.budget.per_host,
                       hours);
  }
  return "";
}

std::string outcome_of_record(const std::string& result) {
  return result == "dry-run" ? "dry-run" : "observed";
}

}  // namespace unwedge::policies
