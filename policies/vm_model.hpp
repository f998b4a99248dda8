// What is known of a VM: the reduction of its monitor's greeting, events and replies. Pure: every function
// gets the time as an argument. The watcher feeds it; conditions, verdicts and surfaces read it.
#pragma once

#include "policies/evidence.hpp"
#include "qmp/message.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace unwedge::policies {

struct job_state {
  std::string type;    ///< mirror, backup, commit, stream, ...; empty until queried
  std::string status;  ///< QEMU's JobStatus as text; unknown ones are kept
  std::int64_t offset = 0;
  std::int64_t len = 0;
  bool busy = false;  ///< at its last query it waited for I/O or ran: neither paused nor asleep by its speed
  std::string io_status;  ///< ok, failed, nospace
  std::string error;
  std::optional<std::string> target;  ///< the node it copies to, where the block graph tells
  instant progressed{};               ///< when `offset` or `status` last changed
  instant since{};                    ///< when `status` last changed
  instant appeared{};                 ///< when it was first heard of
};

/// How a mirror ended that is not listed any more, or not for long: its disk is whole, or it is not.
struct ended_copy {
  bool whole = false;
  std::string error;
  instant at{};
};

struct migration_state {
  std::string status;  ///< QEMU's MigrationStatus as text; unknown ones are kept
  std::optional<std::int64_t> transferred, remaining, total;  ///< bytes of RAM
  std::optional<bool> postcopy_enabled;                       ///< capability postcopy-ram, fixed once it runs
  instant since{};                                            ///< when `status` last changed
  instant began{};                                            ///< when it was first seen to run
  instant moved_at{};                                         ///< when `transferred` last changed
  std::optional<std::int64_t> iterations;                     ///< passes over the memory (dirty-sync-count)
  // Each pass begins with what was dirtied in the one before, so passes are compared by what remains at their
  // begin.
  std::optional<std::int64_t> best_remaining;  ///< the least that a pass ever began with
  std::int64_t best_iteration = 0;             ///< that pass
  instant best_at{};                           ///< it began, or the first pass got on
};

/// What the next migration goes by (query-migrate-capabilities, query-migrate-parameters). Empty: not known.
struct migration_settings {
  std::optional<bool> events, pause_before_switchover;
  std::optional<std::int64_t> max_bandwidth;   ///< bytes a second
  std::optional<std::int64_t> downtime_limit;  ///< milliseconds
  std::string zero_page_detection;             ///< QEMU >= 9.0
  instant parameters_at{};                     ///< when those three were read, or set by us
  instant capabilities_at{};                   ///< and the first two
};

/// True while a migration may still change the VM's fate: any status that is not one of QEMU's final ones.
bool is_running(const migration_state&);
/// True from the start of post-copy on, when the memory is split over two hosts.
bool in_postcopy(const migration_state&);

struct block_node {
  std::string driver;
  std::string
      server;        ///< of a network node, as QEMU has it: "10.0.0.7:10809", "store7:10809", a socket's path
  std::string peer;  ///< the same, and of a named one its connection's address once that is known
  bool job_target =
      false;              ///< a job copies to it, and no device of the guest uses it: losing it loses a copy
  bool of_guest = false;  ///< a device of the guest uses it, or something below it
  std::vector<std::string> target_of;  ///< the jobs that copy to it, or to a node on top of it
};

/// A character device with a socket behind it, as query-chardev has it.
struct chardev {
  std::string local;  ///< the path that it listens on, or "host:port"; empty: it is a client
  std::string peer;   ///< of a connected TCP one
};

/// What can be yanked (query-yank, QEMU >= 6.0).
struct yank_instances {
  std::vector<std::string> block_nodes;
  bool migration = false;
};

struct monitor_state {
  bool connected = false;  ///< a socket is open
  bool ready = false;      ///< and capabilities are negotiated
  bool oob = false;
  qmp::version version;
  std::optional<instant> last_reply;  ///< to any in-band command: proof that the main loop ran
  std::optional<instant>
      waiting_since;  ///< the oldest unanswered in-band command (or qmp_capabilities) was sent
  std::optional<instant> last_oob_reply;  ///< proof that the monitor's thread ran
  std::chrono::microseconds last_round_trip{0};
  std::string problem;  ///< why there is no session, for people; empty while there is one
};

/// One event as it came, shortened.
struct history_entry {
  instant at{};
  std::chrono::microseconds timestamp{0};
  std::string name;
  std::string data;  ///< JSON text, at most history_data_bytes
};

/// The last events of a VM; its slots are reused, and an idle VM has none.
class history {
 public:
  static constexpr std::size_t capacity = 32;
  static constexpr std::size_t data_bytes = 400;
  void add(const qmp::event& e, instant now);
  std::vector<const history_entry*> oldest_first() const;

 private:
  std::vector<history_entry> ring_;
  std::size_t next_ = 0;
};

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
  bool no_monitor = false;  ///< nobody enrolled a monitor of it: how it ends nobody tells
  bool libvirt = false;     ///< a monitor of libvirt's is connected: it guards its own switchovers
  bool shut_down = false;   ///< a SHUTDOWN event was seen: its end is no surprise
};

/// True once the guest was stopped for the end of this migration and it is not waiting in pre-switchover: the
/// destination may have all of the VM and be it. Before QEMU 10 the status stays "active" meanwhile.
bool past_the_switchover(const vm_model&);

/// What the state no longer knows after an event, and should ask for.
struct refresh {
  bool status = false;
  bool jobs = false;
  bool nodes = false;
  bool migration = false;
  bool settings = false;  ///< of migrations: capabilities and parameters
  bool any() const { return status || jobs || nodes || migration || settings; }
  refresh& operator|=(const refresh& o);
};

/// Keeps how a mirror ended for the migrations of the next minutes; of a failed one for longer than of a
/// whole one.
void note_copy_end(vm_model&, std::string_view job, ended_copy how);

/// Applies an event; unknown ones are counted and kept in the history.
refresh apply_event(vm_model&, const qmp::event&, instant now);

/// The queries whose replies the model understands.
enum class query {
  status,
  name,
  uuid,
  jobs,
  block_jobs,
  migrate,
  migrate_capabilities,
  migrate_parameters,
  chardevs,
  block_nodes,
  block_graph,
  yank
};

/// Applies the return value of a query. Fields of an unexpected type are left out; sizes are bounded.
void apply_reply(vm_model&, query, const qmp::json::value& result, instant now);

/// QEMU has accepted this command of ours: what it set is known without asking again.
void apply_accepted(vm_model&, std::string_view command, const qmp::json::object& arguments, instant now);

/// The queries after a (re)connect, in the order to send them. Those of the block layer are for a healthy VM
/// only.
std::vector<query> resync_queries();

/// Which in-band query to send as the `count`-th probe: mostly query-status, in turn with those of what is
/// going on.
query next_probe(const vm_model&, std::uint64_t count);

/// True while a migration or a job runs: the VM is then probed more often.
bool at_risk(const vm_model&);

}  // namespace unwedge::policies
