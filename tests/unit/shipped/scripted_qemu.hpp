// A QEMU as qemu-facts say a real one behaves beside mirrors and migrations: jobs, the switchover and its
// hangs, what a yank, a sever and a lease do where. Driven by a script, by a manager and by the engine; a
// virtual clock. Answers with the documents and the evidence that a real one would give.
//
// It holds the engine to the rules itself: `broken_rules` is never empty after a migrate-continue over a
// mirror that is not whole, a command in post-copy, or a yank or a sever where an iothread polls, which would
// make QEMU abort (qemu-facts 8.2).
#pragma once

#include "policies/vm_model.hpp"

#include <boost/json.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace unwedge::policies::fake {

enum class release { qemu_5_2, qemu_7_2, qemu_10_0 };

/// What it was started with.
struct machine {
  fake::release release = fake::release::qemu_7_2;
  bool iothread = false;
  bool writes = false;  ///< the guest writes to its disk all the time
  bool oob = true;
  bool libvirt = false;                ///< its monitor is connected
  bool auto_dismiss = true;            ///< of its jobs
  bool aborts_over_a_copy = true;      ///< else it completes over half of it: a matter of timing on 10.0
  bool aborts_at_a_yank = true;        ///< before STOP, with an iothread; else it goes on (qemu-facts 5)
  bool unix_targets = false;           ///< its mirrors' servers are reached by unix sockets
  bool goes_on_after_a_lease = false;  ///< over the failed mirror, as after a yank; else the migration fails
  int cuts_in_vain = 0;                ///< so many yanks and severs of a node that it hangs on do nothing
  double ram_mib = 64;                 ///< that are to be sent; half a second at the usual bandwidth
  double dirties_mib = 0;              ///< so many a second
};

enum class sender { manager, unwedged };

struct scripted_event {
  std::string name;
  boost::json::object data;
};

struct scripted_job {
  std::string id, type, status;
  std::string node, peer;  ///< what it copies to
  int fd = -1;             ///< of its connection
  double offset = 0, bytes_a_second = 0;
  bool dead = false;         ///< its server has been stopped
  bool takes_bytes = false;  ///< all the same: they are only not answered
  bool same_tick = false;    ///< its last answer and the request that it owes one for are of one tick
  bool slow_flush = false;   ///< its server answers all but flushes
  bool cut = false;          ///< its connection is no more
  bool spins = false;        ///< it was yanked, a full unix socket: whoever polls it does so without end
  bool listed = true;        ///< not null yet
  bool whole = false;        ///< the target equals the source, and stays so
  std::optional<instant> owed_since, concludes_at, ended_at;
  std::string io_status = "ok", error;
};

struct qmp_answer {
  bool accepted = true;
  std::string why_not;
};

class scripted_qemu {
 public:
  explicit scripted_qemu(machine m) : of_(m) {}

  // What happens to it.
  void mirror(const std::string& id, double seconds_to_ready);
  void job(const std::string& id, const std::string& type, const std::string& status);
  void job_io_status(const std::string& id, const std::string& status) { jobs_.at(id).io_status = status; }
  void target_dies(const std::string& job);
  void target_falls_silent(const std::string& job);  ///< it takes all that is sent, and answers nothing
  void target_falls_silent_in_one_tick(const std::string& job);  ///< between an answer and the next request
  void target_flushes(const std::string& job);  ///< without end: a slow disk behind a large cache
  void target_revives(const std::string& job);
  void target_fails(const std::string& job);  ///< its server has closed the connection
  void destination_freezes(bool frozen) { destination_frozen_ = frozen; }
  void guest_dirties(double mib_a_second) { of_.dirties_mib = mib_a_second; }
  void disk_stalls(bool stalls) {
    disk_stalls_ = stalls;
    ++disk_requests_;
  }
  void computes(bool busy) { main_loop_busy_ = busy; }  ///< a dump of the guest's memory, say
  void signal_stops(bool stopped) { signal_stopped_ = stopped; }
  void ends(const std::string& job);      ///< its target is back, and its owner wants no more of it
  void vanishes(const std::string& job);  ///< it is listed no more, and its events were lost
  void shut_down();
  void dies();

  // What unwedge-rescue does to it, by the arguments of a step; empty, or why it was not done.
  std::string sever(const boost::json::object& connection);
  std::string lease(const boost::json::object& arguments);

  void happens(std::string event, boost::json::object data = {});

  void pass(instant now);
  std::vector<scripted_event> take_events() { return std::exchange(events_, {}); }

  // Its monitor.
  bool alive() const { return alive_; }
  bool answers_in_band() const {
    return alive_ && !signal_stopped_ && !main_loop_busy_ && hang_ == hang::none;
  }
  bool answers_out_of_band() const { return alive_ && !signal_stopped_; }
  bool has_oob() const { return of_.oob; }
  /// The engine sends this now; when a main loop that hangs comes to it is not the engine's doing.
  void is_sent(std::string_view command, const boost::json::object& arguments);
  qmp_answer execute(std::string_view command, const boost::json::object& arguments, sender by);
  boost::json::value document(query q) const;
  process_facts seen_from_outside() const;

  // For tests.
  /// "completes", "completes over a broken copy", "aborts", "hangs", "runs on the source".
  std::string fate() const;
  const std::string& run_state() const { return run_state_; }
  const std::string& migration_status() const { return status_; }
  std::int64_t bandwidth() const { return bandwidth_; }
  bool capability(std::string_view name) const;
  bool has(const std::string& job) const { return jobs_.contains(job) && jobs_.at(job).listed; }
  bool connected(const std::string& job) const { return !jobs_.at(job).cut; }
  fake::release release() const { return of_.release; }
  const std::vector<std::string>& broken_rules() const { return broken_rules_; }

 private:
  /// What its main loop waits for.
  enum class hang {
    none,
    drain_before_stop,  ///< the migration thread, with the job in an iothread: a yank aborts
    drain_after_stop,   ///< the migration thread, without one
    flush_after_stop,   ///< the migration thread, whose flush is the first request to a dead target
    cancel_cleanup,     ///< the main thread, after migrate_cancel (7.2)
    user_stop,          ///< the main thread, in `stop`
    destination,        ///< the migration thread sends to a destination that does not take it
  };

  // jobs
  void set_status(scripted_job&, std::string status);
  void fail(scripted_job&, const std::string& error);
  void give_up(scripted_job&);
  void conclude(scripted_job&);
  void leave(scripted_job&);
  void owe(scripted_job&);
  void owe_flush(scripted_job&);
  void lose_connection(scripted_job&);
  void cut_off(scripted_job&);
  bool on_unix_socket(const scripted_job&) const;
  void pass_job(scripted_job&, double seconds);
  scripted_job* job_of(const std::string& node);
  /// It is a copy that this migration relies on: one that ended long before it began is none.
  bool matters(const scripted_job&) const;
  bool owes_anything() const;

  // migration
  void begin_migration();
  void set_migration(std::string status);
  void pass_migration(double seconds);
  void send_memory(double seconds);
  void switch_over();
  void after_vm_stop();
  void finish();
  void cancel_migration();
  void end_migration(const std::string& status);
  void resume_guest();
  bool migrates() const;
  bool guest_stands() const { return run_state_ != "running"; }

  // commands
  void breaks_a_rule(std::string_view command, const boost::json::object& arguments, std::string_view rule);
  qmp_answer set_capabilities(const boost::json::object& arguments);
  void set_parameters(const boost::json::object& arguments);
  qmp_answer job_command(std::string_view command, const boost::json::object& arguments);
  void yank(const boost::json::object& instance);
  void yank_node(const std::string& node);
  std::string against_lease(const boost::json::object& arguments) const;
  void cut_in_lease(const boost::json::object& cut);
  void give_disks_away_for_good();
  void end_lease();
  bool before_10() const { return of_.release != release::qemu_10_0; }
  void come_back();
  void user_stops();
  void abort_process(std::string_view why);

  // replies and evidence
  boost::json::array block_jobs() const;
  boost::json::array block_nodes() const;
  boost::json::object block_graph() const;
  boost::json::object query_migrate() const;
  boost::json::object parameters() const;
  std::vector<socket_facts> sockets() const;
  std::vector<socket_facts> connections() const;
  process_facts threads() const;

  machine of_;
  instant now_{};
  bool alive_ = true, signal_stopped_ = false, main_loop_busy_ = false;
  bool disk_stalls_ = false;
  std::uint64_t disk_requests_ = 0;
  std::optional<instant> aborts_at_;
  std::string run_state_ = "running";
  std::map<std::string, scripted_job> jobs_;
  std::vector<scripted_event> events_;
  std::vector<std::string> broken_rules_;
  sender last_sender_ = sender::manager;

  std::map<std::string, bool, std::less<>> capabilities_{
      {"events", false}, {"multifd", false}, {"pause-before-switchover", false}, {"postcopy-ram", false}};
  std::int64_t bandwidth_ = 134'217'728, downtime_ms_ = 300;
  std::string zero_page_detection_ = "multifd";

  hang hang_ = hang::none;
  std::string status_ = "none";
  bool destination_frozen_ = false, guest_ran_ = true, copy_broken_ = false;
  bool flush_failed_ = false;  ///< of the vm_stop under way
  bool stream_cut_ = false;    ///< the migration was yanked: it fails when it sends again
  double remaining_ = 0, pass_seconds_ = 0, transferred_ = 0;
  std::int64_t passes_ = 0;
  instant status_since_{}, began_{};
};

}  // namespace unwedge::policies::fake
