// How a VM stands, put together from what is known of it: for the engine, for the last look before a step,
// for surfaces. Changes nothing but the engine's own memory. One thread.
#pragma once

#include "daemon/watch/stall_watch.hpp"
#include "policies/engine.hpp"

#include <string>
#include <string_view>

namespace unwedge::watch {

/// The contract's words.
enum class vm_state { healthy, suspect, stalled, held, gone };
std::string_view to_string(vm_state);

class vm_situation {
 public:
  /// What it reads; all of it outlives it.
  struct sources {
    const watched_vm& vm;
    const vm_process& process;
    const vm_monitor& monitor;
    const stall_watch& stall;
    policies::engine& engine;
  };
  explicit vm_situation(sources from) : from_(from) {}

  vm_state state() const;
  /// What the model says is true: there is a session, and nothing is overdue.
  bool talking() const;
  /// A look costs something, and there are a thousand idle VMs.
  bool nothing_to_decide() const;
  policies::vm_view view(policies::instant now) const;
  policies::action_frame frame() const;
  /// Why nothing of this authority may be done now; empty: it may.
  std::string forbids(policies::authority needs) const;

  /// What the engine decides, to be carried out in order.
  std::vector<policies::decision> decide(policies::instant now);
  /// This step is still what its policy asks for.
  bool confirms(const std::string& run, const policies::step& s);
  /// What holds, with sentences as of now.
  policies::conditions conditions() const;
  /// Of the switchover guard, in a sentence; empty: there is nothing to guard.
  std::string guard_standing() const;

 private:
  bool settled() const;
  policies::look look(const policies::vm_view& v, const policies::action_frame& f) const;

  sources from_;
};

}  // namespace unwedge::watch
