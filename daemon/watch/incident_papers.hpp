// What lies beside an incident's journal besides the evidence: the monitor's messages and the state of the
// host. Used by vm_incidents. Decides nothing.
#pragma once

#include "daemon/watch/incident_recorder.hpp"
#include "daemon/watch/vm_monitor.hpp"
#include "daemon/watch/vm_process.hpp"

#include <cstdint>
#include <string>

namespace unwedge::watch {

class incident_papers {
 public:
  /// All outlive it. It outlives its coroutine, which the watcher's task keeps.
  incident_papers(watched_vm& vm, vm_process& process, vm_monitor& monitor)
      : vm_(vm), process_(process), monitor_(monitor) {}

  /// At the beginning. Returns what last_messages wants to know: lines that were left out so far.
  std::uint64_t first_messages(incident_recorder& of);
  /// At the end. `left_out`: at its beginning; none: an earlier run of the daemon opened it.
  void last_messages(incident_recorder& of, std::optional<std::uint64_t> left_out);
  /// host.json: what is known here, at once; the rest on a worker thread, and beside the journal a moment
  /// later.
  void host(const incident_recorder& of, const std::string& policy);

 private:
  asio::awaitable<void> take_host(incident_recorder to, boost::json::object known);

  watched_vm& vm_;
  vm_process& process_;
  vm_monitor& monitor_;
};

}  // namespace unwedge::watch
