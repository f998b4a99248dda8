// One VM: connects the parts that watch it (its monitor, its process, the stall, the incidents, the steps)
// with each other, with the clock and with the fleet. What is observed goes to the pure parts in policies/,
// what they decide is carried out. Decides nothing itself. One thread.
#pragma once

#include "daemon/watch/operator_steps.hpp"
#include "daemon/watch/vm_rounds.hpp"

#include <memory>
#include <string>
#include <vector>

namespace unwedge::watch {

/// Where a VM's monitor is found.
struct endpoint {
  std::string path;         ///< of its socket; empty: it dialled in
  std::string fixed_name;   ///< from the configuration; empty: the guest's own name, else the socket's
  bool no_monitor = false;  ///< nobody enrolled it: its process is all that there is to watch
};

class vm_watcher;

/// Whoever holds all watchers.
class watcher_owner {
 public:
  /// The process behind a session is known: may this watcher have it (true), or is it watched already?
  virtual bool claim(const vm_watcher&) = 0;
  /// The guest's own name is known: the watcher may want to be called so.
  virtual void named(vm_watcher&) = 0;

 protected:
  ~watcher_owner() = default;
};

/// Each of its coroutines, and each task that it spawns for a part, holds it: the parts are members and need
/// no lifetime of their own. `shared` and `owner` outlive it.
class vm_watcher final : public std::enable_shared_from_this<vm_watcher>,
                         private vm_driver,
                         private vm_monitor::listener {
 public:
  vm_watcher(services& shared, endpoint where, watcher_owner& owner);

  /// A VM without a monitor of ours; `uuid` is from its command line.
  void watch_process(evidence::process of, std::string uuid);
  /// Its monitor was found: another watcher has this VM from now on.
  void hand_over();

  /// Connects, and connects again with back-off, until stop(). For VMs with a socket.
  asio::awaitable<void> keep_connected();
  /// Serves one connection that QEMU made to us. Returns when it ends.
  asio::awaitable<void> serve(qmp::socket connection);
  /// Begins to probe, collect evidence and let the engine decide, beside the above; until stop().
  void begin() { wake_soon(); }
  /// Called by the clock at due().
  void on_time();
  policies::instant due() const { return due_; }
  /// Ends all of it soon.
  void stop();

  const std::string& name() const { return vm_.name; }
  void rename(std::string name) { vm_.name = std::move(name); }
  const endpoint& where() const { return where_; }
  const policies::vm_model& model() const { return vm_.model; }
  const evidence::process* process() const { return process_.held.get(); }
  const std::optional<policies::verdict>& verdict() const { return stall_.verdict(); }
  /// As surfaces show it, with the known hangs that it fits. Only with a verdict.
  boost::json::object verdict_json() const { return incidents_.verdict_json(*verdict()); }
  const policies::suspicion& suspicion() const { return stall_.suspicion(); }
  /// The last messages of its monitor, for as long as they may be wanted.
  const qmp::message_history& messages() const { return monitor_.history(); }
  /// Of the incident that was opened first among those that are open; empty: none is.
  std::string incident_id() const { return incidents_.first_id(); }
  policies::conditions conditions() const { return situation_.conditions(); }
  std::string guard_standing() const { return situation_.guard_standing(); }
  const holds::hold* held() const { return vm_.held(); }
  bool held_itself() const;
  const std::string& host_starved() const { return vm_.shared.host_starved; }
  std::size_t steps_of(const std::string& policy) const { return engine_.steps_of(policy); }
  std::vector<std::string> open_policies() const { return engine_.open_policies(); }
  bool connected() const { return monitor_.session() != nullptr; }
  vm_state state() const { return situation_.state(); }
  policies::instant state_since() const { return state_since_; }
  policies::authority allowed() const { return vm_.allowed(); }
  /// Its process is prepared for the kernel's core. Reads one small file of /proc.
  bool core_flagged() const;

  /// For the daemon's end, see vm_steps.
  asio::awaitable<void> take_back();
  /// A fresh look at the process, for an operator; the engine is not told of it.
  asio::awaitable<process_samples::result> fresh_sample(std::chrono::milliseconds patience);
  /// Its threads' stacks, likewise.
  asio::awaitable<process_stops::stacks_result> stacks_now();
  /// See operator_steps.
  asio::awaitable<operator_steps::result> act_for_operator(operator_act asked, operator_steps::teller say);

  /// An incident of an earlier run of the daemon that is about this very process.
  void take_up(const policies::incident& open) { incidents_.take_up(open, engine_); }

 private:
  void spawn(asio::awaitable<void> task, std::string_view what) override;
  void wake_soon() override;
  void decide() override;
  void note_state() override;

  void greeted() override;
  void ready() override;
  void happened(const qmp::event& e) override;
  void answered(policies::query q, bool told) override;
  void went_on(policies::instant at, bool out_of_band) override;

  asio::awaitable<bool> identify(int socket_fd);
  void take_process(evidence::process of);
  void forget_vm();
  void disconnected(const vm_monitor::end& how);

  endpoint where_;
  watcher_owner& owner_;
  asio::steady_timer retry_;
  policies::instant due_{};
  vm_state state_ = vm_state::suspect;
  policies::instant state_since_;

  // Each knows those before it only.
  watched_vm vm_;
  policies::engine engine_;
  vm_process process_;
  vm_monitor monitor_;
  process_samples samples_;
  process_stops stops_;
  stall_watch stall_;
  look_times times_;
  vm_situation situation_;
  vm_incidents incidents_;
  incident_stacks stacks_;
  vm_precautions precautions_;
  monitor_commands commands_;
  vm_rescue rescue_;
  operator_rescue operator_rescue_;
  operator_steps operator_;
  vm_steps steps_;
  vm_rounds rounds_;
};

}  // namespace unwedge::watch
