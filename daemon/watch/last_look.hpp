// The ground of a step looked at once more, at the last moment before it: only the same answer is acted on,
// in doubt nothing is done. Used by vm_steps. One thread.
#pragma once

#include "daemon/watch/process_samples.hpp"
#include "daemon/watch/vm_situation.hpp"

#include <string>

namespace unwedge::watch {

class last_look {
 public:
  /// All outlive it. It outlives its coroutines: whoever awaits them keeps the watcher.
  struct needs {
    watched_vm& vm;
    vm_process& process;
    vm_monitor& monitor;
    process_samples& samples;
    stall_watch& stall;
    vm_situation& situation;
  };
  explicit last_look(needs n) : n_(n) {}

  /// Empty: it is as it was. Else how the step ends, "refused: ...".
  using answer = std::string;
  /// Before a yank: the monitor's own thread and a fresh sample.
  asio::awaitable<answer> before_yank();
  /// Before a cut from outside: a fresh sample, whatever the monitor does.
  asio::awaitable<answer> before_cut();
  /// Before what ends a VM: the same kind of wait, at the same root.
  asio::awaitable<answer> same_verdict_again();
  /// The engine still asks for it.
  answer confirmed(const std::string& run, const policies::step& s);

 private:
  needs n_;
};

}  // namespace unwedge::watch
