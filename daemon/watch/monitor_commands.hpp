// Sends the commands of steps to QEMU and keeps the model true by what came of them. Used by vm_steps and
// vm_rescue; which to send is decided elsewhere. One thread.
#pragma once

#include "daemon/watch/act_outcome.hpp"
#include "daemon/watch/vm_monitor.hpp"
#include "policies/remedy.hpp"

#include <chrono>

namespace unwedge::watch {

/// Of a command that answers at once in a QEMU that is well.
inline constexpr std::chrono::milliseconds command_patience{1'500};

class monitor_commands {
 public:
  /// Both outlive it. It outlives its coroutines: whoever awaits them keeps the watcher.
  monitor_commands(watched_vm& vm, vm_monitor& monitor) : vm_(vm), monitor_(monitor) {}

  /// Refused: it was not sent. Failed: QEMU's own words, or that nobody knows (touched then). An in-band
  /// command is a probe as well: if it is not answered, the VM becomes suspect.
  asio::awaitable<act_outcome> send(policies::step s, std::chrono::milliseconds patience = command_patience);

 private:
  watched_vm& vm_;
  vm_monitor& monitor_;
};

/// The one command of ours that does not need the main loop (QEMU >= 6.0).
bool out_of_band(const policies::step&);

}  // namespace unwedge::watch
