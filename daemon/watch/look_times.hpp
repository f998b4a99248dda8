// When to look at a VM next: its monitor, its process. A well VM seldom, one whose fate is being decided
// often. Tells times only; the watcher looks. One thread.
#pragma once

#include "daemon/watch/stall_watch.hpp"

namespace unwedge::watch {

class look_times {
 public:
  /// All outlive it.
  look_times(const watched_vm& vm, const vm_process& process, const stall_watch& stall)
      : vm_(vm), process_(process), stall_(stall) {}

  bool probe_is_due(policies::instant now) const { return now >= next_probe_; }
  void probe_at(policies::instant t) { next_probe_ = t; }
  void probed(policies::instant now);

  policies::instant sample_at() const;
  /// A sample was used: in view of what it shows.
  void sampled(policies::instant now);

  /// A job or a migration has begun, or is over, and no event said so.
  bool risk_has_changed() const;
  /// True: the watcher must look at once.
  bool note_risk(policies::instant now);

  /// `may_sample`: nothing stands in the way of one.
  policies::instant next_wake(policies::instant now, bool may_sample) const;

 private:
  const watched_vm& vm_;
  const vm_process& process_;
  const stall_watch& stall_;
  policies::instant next_probe_{}, next_sample_{};
  bool was_at_risk_ = false, was_migrating_ = false;
};

}  // namespace unwedge::watch
