// How many steps a policy may still take: on one VM, on the whole host. Pure; the engine of a VM holds one
// for itself, and all share the host's.
#pragma once

#include "policies/policy.hpp"

#include <deque>
#include <map>
#include <string>

namespace unwedge::policies {

class step_budget {
 public:
  /// True if fewer than `most` steps of this policy lie within its window.
  bool allows(const policy& by, std::size_t most, instant now);
  void spend(const policy& by, instant now);
  /// The last step was not taken after all.
  void refund(const std::string& policy_name);
  std::size_t spent(const std::string& policy_name) const;  ///< ever

 private:
  struct account {
    std::deque<instant> steps;
    std::size_t ever = 0;
  };
  std::map<std::string, account, std::less<>> accounts_;
};

}  // namespace unwedge::policies
