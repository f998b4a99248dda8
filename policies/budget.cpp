#include "policies/budget.hpp"

namespace unwedge::policies {

bool step_budget::allows(const policy& by, std::size_t most, instant now) {
  const auto found = accounts_.find(by.name);
  if (found == accounts_.end()) return most > 0;
  auto& steps = found->second.steps;
  while (!steps.empty() && now - steps.front() >= by.budget.window) steps.pop_front();
  return steps.size() < most;
}

void step_budget::spend(const policy& by, instant now) {
  auto& account = accounts_[by.name];
  account.steps.push_back(now);
  ++account.ever;
}

void step_budget::refund(const std::string& policy_name) {
  const auto found = accounts_.find(policy_name);
  if (found == accounts_.end() || found->second.steps.empty()) return;
  found->second.steps.pop_back();
  --found->second.ever;
}

std::size_t step_budget::spent(const std::string& policy_name) const {
  const auto found = accounts_.find(policy_name);
  return found == accounts_.end() ? 0 : found->second.ever;
}

}  // namespace unwedge::policies
