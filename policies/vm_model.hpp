// What is known of a VM: the reduction of its monitor's greeting, events and replies. Pure: every function
// gets the time as an argument. The watcher feeds it; conditions, verdicts and surfaces read it.
#pragma once

#include "policies/evidence.hpp"
#include "policies/model/devices.hpp"
#include "policies/model/history.hpp"
#include "policies/model/jobs.hpp"
#include "policies/model/migration.hpp"
#include "policies/model/monitor.hpp"
#include "policies/model/queries.hpp"
#include "qmp/message.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace unwedge::policies {

struct vm_model {
  std::string guest_name;  ///< -name guest=; hostile text
  std::string uuid;
  std::string run_state = "unknown";  ///< QEMU's RunState as text
  std::optional<migration_state> migration;
  migration_settings migrates_with;
  std::map<std::string, job_state, std::less<>> jobs;
  std::map<std::string, ended_copy, std::less<>> ended_copies;  ///< by job, of the last minutes
  std::map<std::string, block_node, std::less<>> nodes;         ///< of the last healthy moment
  std::map<std::string, chardev, std::less<>> chardevs;         ///< by label; those with a socket
  yank_instances yankable;
  monitor_state monitor;
  history events;
  std::uint64_t event_count = 0;
  std::optional<instant> stopped_at;   ///< STOP was seen, and no RESUME since: its vCPUs stand still
  std::optional<instant> quiet_since;  ///< its main thread has not run since, for no reason that is seen;
                                       ///< where there is no session that would tell
  bool no_monitor = false;             ///< nobody enrolled a monitor of it: how it ends nobody tells
  bool libvirt = false;                ///< a monitor of libvirt's is connected: it guards its own switchovers
  bool shut_down = false;              ///< a SHUTDOWN event was seen: its end is no surprise
};

/// True once the guest was stopped for the end of this migration and it is not waiting in pre-switchover: the
/// destination may have all of the VM and be it. Before QEMU 10 the status stays "active" meanwhile.
bool past_the_switchover(const vm_model&);

/// The jobs that copy to this node, or to one on top of it.
std::set<std::string> jobs_copying_to(const vm_model&, const std::string& node);

/// Keeps how a mirror ended for the migrations of the next minutes; of a failed one for longer than of a
/// whole one.
void note_copy_end(vm_model&, std::string_view job, ended_copy how);

/// Applies an event; unknown ones are counted and kept in the history.
refresh apply_event(vm_model&, const qmp::event&, instant now);

/// Applies the return value of a query. Fields of an unexpected type are left out; sizes are bounded.
void apply_reply(vm_model&, query, const qmp::json::value& result, instant now);

/// QEMU has accepted this command of ours: what it set is known without asking again.
void apply_accepted(vm_model&, std::string_view command, const qmp::json::object& arguments, instant now);

/// True while a migration or a job runs: the VM is then probed more often.
bool at_risk(const vm_model&);

}  // namespace unwedge::policies
