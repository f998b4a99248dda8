// Whether a VM's main loop answers, and if not, why: the suspicion, the samples that it collects, and the
// verdict that they add up to. Takes no samples itself. The steps look at it once more before they act. One
// thread.
#pragma once

#include "daemon/watch/vm_monitor.hpp"
#include "daemon/watch/vm_process.hpp"
#include "policies/io_health.hpp"
#include "policies/pulse.hpp"
#include "policies/suspicion.hpp"

#include <optional>

namespace unwedge::watch {

class stall_watch {
 public:
  /// All outlive it.
  stall_watch(watched_vm& vm, vm_process& process, vm_monitor& monitor)
      : vm_(vm), process_(process), monitor_(monitor) {}

  /// Something was answered, or time has passed.
  void review(policies::instant now);
  /// A sample was taken.
  void use(policies::process_facts facts);
  /// Of a VM without a session: what its main thread is at. A thread that was not seen to run for as long as
  /// a probe may be late opens a suspicion, as a late probe does.
  void use(const policies::thread_facts& main, policies::instant now);
  /// From now on the monitor tells.
  void forget_pulse();
  void forget();
  /// It is over: only the verdict is still wanted.
  void forget_samples();

  const policies::suspicion& suspicion() const { return suspicion_; }
  bool active() const { return suspicion_.active(); }
  const std::optional<policies::verdict>& verdict() const { return verdict_; }
  /// By the samples so far, whatever was concluded before.
  std::optional<policies::verdict> judge_again() const {
    return suspicion_.judge(vm_.model, vm_.shared.settings->probe);
  }
  void set_verdict(policies::verdict v) { verdict_ = std::move(v); }
  void drop_verdict() { verdict_.reset(); }
  const policies::io_health& io() const { return io_; }

  /// What was done about this stall, by whomever: an action's name or a command.
  void note_tried(std::string remedy) { tried_.push_back(std::move(remedy)); }
  bool was_tried(std::string_view remedy) const;

 private:
  watched_vm& vm_;
  vm_process& process_;
  vm_monitor& monitor_;
  policies::suspicion suspicion_;
  policies::pulse pulse_;  ///< of its main thread, while no session tells whether it lives
  policies::io_health io_;
  std::optional<policies::verdict> verdict_;
  std::vector<std::string> tried_;
};

}  // namespace unwedge::watch
