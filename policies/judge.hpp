// From evidence to a verdict. Pure: the same samples give the same verdict.
//
// Busy is not hung, and a time-out alone proves nothing: a verdict of waiting needs the same wait in every
// sample of the stall, over at least half of the patience, with no CPU time and no bytes anywhere on its
// chain.
#pragma once

#include "policies/verdict.hpp"
#include "policies/vm_model.hpp"

#include <span>
#include <string_view>

namespace unwedge::policies {

struct judge_settings {
  duration patience;         ///< a stall younger than this is no verdict but `gone`
  double busy_share = 0.01;  ///< more CPU than this on the chain is progress
  std::size_t min_samples = 3;
  duration watched{};  ///< the same wait was seen for at least so long; zero: half the patience
  std::string_view host_starved = {};  ///< why the host as a whole is; empty: it is not
};

/// `samples` are those of this stall, oldest first; `since` is when its oldest unanswered request was sent.
/// nullopt: too early, or the evidence does not suffice; `undecided` then says in a sentence what is seen.
std::optional<verdict> judge(std::span<const process_facts> samples, const vm_model& vm, instant since,
                             const judge_settings& settings);

/// What a suspicion that has no verdict looks like, for people.
std::string undecided(std::span<const process_facts> samples, const vm_model& vm);

}  // namespace unwedge::policies
