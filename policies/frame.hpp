// The frame that operator and host set for actions on one VM, and what it says of a step.
#pragma once

#include "policies/budget.hpp"
#include "policies/settings.hpp"

#include <string>

namespace unwedge::policies {

struct action_frame {
  authority allowed = authority::observe;
  bool dry_run = false;
  std::string held;          ///< why the operator holds the VM, or the host; empty: it is not held
  std::string host_starved;  ///< why nothing may be concluded from lateness now; empty: the host is well
};

/// What the operator decided against a step of this policy: "observed", "dry-run", "held: WHY"; empty:
/// nothing.
std::string operator_forbids(const action_frame&, const policy& by, authority needs);

/// Why this policy may not take a step now: "observed", "dry-run", "held: WHY", "host-starved: WHY",
/// "budget: WHY"; empty: it may. In this order: what the operator decided comes first.
std::string forbids(const action_frame&, const policy& by, authority needs);

/// Likewise, of the budgets.
std::string out_of_budget(const policy& by, step_budget& of_vm, step_budget& of_host, instant now);

/// The outcome of an incident in which nothing but this was recorded.
std::string outcome_of_record(const std::string& result);

}  // namespace unwedge::policies
