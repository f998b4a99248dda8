// The stacks of a VM that hangs, once an incident, and the known hangs that they fit. Used by the watcher
// after each decision. One thread.
#pragma once

#include "daemon/watch/process_stops.hpp"
#include "daemon/watch/vm_incidents.hpp"

namespace unwedge::watch {

class incident_stacks {
 public:
  /// All outlive it. It outlives its coroutine, which the watcher's task keeps.
  struct needs {
    watched_vm& vm;
    vm_process& process;
    process_stops& stops;
    stall_watch& stall;
    vm_incidents& incidents;
  };
  explicit incident_stacks(needs n) : n_(n) {}

  /// Takes them where an incident is open that wants them. Not to be called while a step is under way: a
  /// remedy comes first. Its last look would see our stops (a send that they break off is begun anew), and be
  /// refused; seen once in 40 runs of frozen-destination. A VM that it brings back leaves evidence and wait
  /// chain, but no stacks.
  void begin();
  /// A step has been taken: it gets its time first.
  void not_before(policies::instant t) { not_before_ = t; }

 private:
  asio::awaitable<void> record(std::string run, incident_recorder to);
  void arrived(incident_recorder to, const process_stops::stacks_result& stacks, bool still_open);
  void match_signatures(incident_recorder& to, const policies::process_stacks& stacks);

  needs n_;
  policies::instant not_before_{};
};

}  // namespace unwedge::watch
