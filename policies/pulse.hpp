// The main thread of a VM without a monitor, looked at every second: does it still run? Opens the suspicion
// that an unanswered request opens where there is a monitor. Pure; the watcher of a VM holds one.
#pragma once

#include "policies/evidence.hpp"

#include <optional>

namespace unwedge::policies {

class pulse {
 public:
  /// What the main thread is at, cheaply: its system call, CPU time and context switches.
  void add(const thread_facts& main, instant at);

  /// A sample shows that it sleeps in the main loop's own poll: an idle VM, until the thread runs again.
  void found_idle() { idle_ = true; }

  /// Since when it has not run, although nothing says that it is idle. Two looks at least say so.
  std::optional<instant> quiet_since() const { return idle_ ? std::nullopt : quiet_since_; }

 private:
  std::optional<thread_facts> last_;
  instant last_at_{};
  std::optional<instant> quiet_since_;
  bool idle_ = false;
};

/// The main thread sleeps in QEMU's own poll, the one with its signalfd, and not in a nested one.
bool main_loop_idles(const process_facts&);

}  // namespace unwedge::policies
