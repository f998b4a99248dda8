// From a late answer to a verdict: when to look at the process, which samples count, what they add up to.
// Pure; the watcher of a VM holds one and takes the samples.
#pragma once

#include "policies/judge.hpp"
#include "policies/settings.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace unwedge::policies {

/// When the stall began, as far as anyone can tell: the main loop still ran at its last reply and no more
/// when the oldest unanswered request was sent; the middle is the estimate with the smallest error, at most
/// half a second before the request. nullopt: nothing is overdue.
std::optional<instant> stalled_since(const monitor_state&);

class suspicion {
 public:
  /// To be called whenever something was answered or time has passed. Opens when a request is late, or a main
  /// thread without a monitor has not run for as long; ends when neither is.
  void update(const vm_model& vm, instant now, const probe_settings& settings);

  bool active() const { return since_.has_value(); }
  std::optional<instant> since() const { return since_; }

  /// When to take the next sample. Only while active.
  instant next_sample_at() const { return next_sample_; }

  /// A sample was taken; the last few are kept. Of a suspicion that has ended meanwhile it is dropped.
  void add(process_facts facts, const probe_settings& settings);

  /// What the samples add up to now.
  std::optional<verdict> judge(const vm_model& vm, const probe_settings& settings,
                               std::string_view host_starved = {}) const;

  const std::vector<process_facts>& samples() const { return samples_; }
  /// The last sample's story where there is no verdict.
  std::string undecided(const vm_model& vm) const;

 private:
  void clear();

  std::optional<instant> since_;
  instant next_sample_{};
  std::vector<process_facts> samples_;
};

}  // namespace unwedge::policies
