// One VM: its QMP session, its model, its suspicion, its incident. Wires the pure parts in policies/ to the
// world: what is observed goes in, what they decide is carried out. Decides nothing itself. One thread.
#pragma once

#include "daemon/evidence/process.hpp"
#include "daemon/watch/incident_recorder.hpp"
#include "daemon/watch/services.hpp"
#include "daemon/watch/stop_traces.hpp"
#include "policies/engine.hpp"
#include "policies/pulse.hpp"
#include "policies/signature.hpp"
#include "policies/stacks.hpp"
#include "policies/suspicion.hpp"
#include "policies/vm_model.hpp"
#include "qmp/message_history.hpp"

#include <expected>
#include <functional>
#include <map>
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

/// The contract's words.
enum class vm_state { healthy, suspect, stalled, held, gone };
std::string_view to_string(vm_state);

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

class vm_watcher final : public std::enable_shared_from_this<vm_watcher>, private qmp::session_observer {
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

  const std::string& name() const { return name_; }
  void rename(std::string name) { name_ = std::move(name); }
  const endpoint& where() const { return where_; }
  const policies::vm_model& model() const { return vm_; }
  const evidence::process* process() const { return process_.get(); }
  const std::optional<policies::verdict>& verdict() const { return verdict_; }
  /// As surfaces show it, with the known hangs that it fits. Only with a verdict.
  boost::json::object verdict_json() const;
  const policies::suspicion& suspicion() const { return suspicion_; }
  /// Of the incident that was opened first among those that are open; empty: none is.
  std::string incident_id() const;
  /// What holds, with sentences as of now.
  policies::conditions conditions() const;
  /// Of the switchover guard, in a sentence; empty: there is nothing to guard.
  std::string guard_standing() const;
  const holds::hold* held() const;
  bool held_itself() const;
  const std::string& host_starved() const { return shared_.host_starved; }
  std::size_t steps_of(const std::string& policy) const { return engine_.steps_of(policy); }
  std::vector<std::string> open_policies() const { return engine_.open_policies(); }
  bool connected() const { return session_ != nullptr; }
  vm_state state() const;
  policies::instant state_since() const { return state_since_; }
  policies::authority allowed() const { return shared_.settings->authority_of(name_); }

  /// Takes back what was set in QEMU and would be in the way without us. For the daemon's end.
  asio::awaitable<void> take_back();

  /// A fresh look at the process, for an operator; the engine is not told of it.
  using sample_result = std::expected<policies::process_facts, std::string>;
  asio::awaitable<sample_result> fresh_sample(std::chrono::milliseconds patience);
  /// Its threads' stacks, likewise.
  using stacks_result = std::expected<policies::process_stacks, std::string>;
  asio::awaitable<stacks_result> stacks_now();

  /// What an operator may ask for by name: flag-core, core, abort. Says first what it would mean (`say`),
  /// then does it, on record. The sentence of what was done, or why not: the VM's authority, a hold, a dry
  /// run, another step under way, no `yes` where it takes one.
  struct operator_act {
    std::string action;
    bool yes = false;
    bool with_ram = false;
  };
  asio::awaitable<std::expected<std::string, std::string>> act_for_operator(
      operator_act asked, std::function<void(std::string)> say);
  /// Its process is prepared for the kernel's core. Reads one small file of /proc.
  bool core_flagged() const;

  /// An incident of an earlier run of the daemon that is about this very process.
  void take_up(const policies::incident& open);

 private:
  struct pending_query {
    qmp::command_id id;
    policies::query what;
    policies::instant sent;
    bool out_of_band;
  };

  // vm_session.cpp: what the monitor says
  void on_greeting() override;
  void on_ready(const qmp::greeting& hello, bool oob) override;
  void on_event(const qmp::event& e) override;
  void on_reply(qmp::command_id id, const qmp::reply& r) override;
  /// False: the process could not be told, and the connection must be given up.
  asio::awaitable<bool> identify(int socket_fd);
  void take_process(evidence::process of);
  void forget_vm();
  void session_ended(const qmp::error& why);
  void ask(policies::query q);
  void note_risk();
  void want(policies::refresh r);
  void ask_next();

  // vm_watcher.cpp: time
  void wake_soon();
  void tick(policies::instant now);
  void review(policies::instant now);
  void probe(policies::instant now);
  policies::instant next_wake(policies::instant now) const;
  policies::instant next_probe_after(policies::instant now) const;
  void note_state();
  void process_gone(policies::instant now);

  // vm_verdict.cpp: evidence and its consequences
  asio::awaitable<void> take_sample();
  asio::awaitable<void> take_pulse();
  asio::awaitable<policies::process_facts> sample_process();
  void use(policies::process_facts facts);
  policies::duration between_samples() const;
  bool nothing_to_decide() const;
  bool migrates() const;
  void decide(policies::instant now);
  bool talking() const;
  bool settled() const;
  policies::vm_view view(policies::instant now) const;
  policies::action_frame frame() const;
  policies::look look(const policies::vm_view& v, const policies::action_frame& f) const;

  // vm_incidents.cpp: what the engine wants on record
  struct open_record {
    incident_recorder recorder;
    std::string condition;
    policies::instant since;
    bool stacks_asked = false;
    std::optional<std::uint64_t> history_left_out = {};  ///< when this run of the daemon opened it
  };
  void carry_out(const std::string& run, policies::open_incident d);
  void carry_out(const std::string& run, policies::amend_verdict d);
  void carry_out(const std::string& run, policies::record_step d);
  void carry_out(const std::string& run, policies::add_note d);
  void carry_out(const std::string& run, policies::close_incident d);
  open_record& begin_record(const std::string& run, std::string condition);
  incident_recorder* recorder_of(const std::string& run);

  // vm_stacks.cpp: a deeper look
  struct awaited_sample;
  void begin_stacks();
  asio::awaitable<void> record_stacks(std::string run, incident_recorder record);
  asio::awaitable<stacks_result> take_stacks();
  void match_signatures(incident_recorder& record, const policies::process_stacks& stacks);
  asio::awaitable<policies::process_facts> sample_undisturbed();
  void stacks_arrived(incident_recorder record, const stacks_result& stacks, bool still_open);
  struct awaited_stacks;
  asio::awaitable<void> stacks_for(std::shared_ptr<awaited_stacks> whom);
  asio::awaitable<void> sample_for(std::shared_ptr<awaited_sample> whom);

  // vm_papers.cpp: what lies beside the journal
  void on_sent(qmp::command_id id, const qmp::command& c) override;
  void on_received(std::string_view raw, std::optional<qmp::command_id> answers) override;
  void attach_first_messages(open_record& record);
  void attach_last_messages(open_record& record);
  void attach_host(const open_record& record, const std::string& policy);
  asio::awaitable<void> take_host_paper(incident_recorder to, boost::json::object known);

  // vm_actions.cpp: what it wants done
  void carry_out(const std::string& run, policies::take_step d);
  void carry_out(const std::string& run, policies::set_precaution d);
  asio::awaitable<void> act(std::string run, policies::step s);
  asio::awaitable<void> set(policies::set_precaution p);
  asio::awaitable<std::string> perform(std::string run, policies::step s);
  asio::awaitable<std::string> refresh_evidence(std::string run, policies::step s);
  asio::awaitable<std::string> send(policies::step s);
  asio::awaitable<void> migration_is_over();

  // vm_process.cpp: what is done to the process from outside
  asio::awaitable<bool> inspection_is_over();
  asio::awaitable<cores::answer> do_to_process(std::string action, bool with_ram, std::string incident);
  asio::awaitable<std::string> perform_on_process(std::string run, policies::step s);
  asio::awaitable<std::string> same_verdict_again();
  std::string refuses_operator(const operator_act& asked) const;
  asio::awaitable<std::expected<std::string, std::string>> record_for_operator(operator_act asked);
  std::string open_for_operator(const operator_act& asked);
  void save_precautions();

  services& shared_;
  endpoint where_;
  watcher_owner& owner_;
  std::string name_;
  bool stopping_ = false;

  policies::vm_model vm_;
  qmp::message_history history_;
  policies::suspicion suspicion_;
  policies::pulse pulse_;  ///< of its main thread, while no session tells whether it lives
  policies::engine engine_;
  std::optional<policies::verdict> verdict_;
  std::vector<policies::signature_match> signatures_;  ///< that the stacks of this stall fit
  std::map<std::string, open_record> records_;         ///< of open incidents, by the engine's run
  std::optional<boost::json::object> saved_precautions_;
  policies::io_health io_;
  policies::instant next_sample_{};

  std::shared_ptr<const evidence::process> process_;
  bool gone_ = false;
  std::shared_ptr<qmp::session> session_;
  std::vector<pending_query> pending_;
  std::vector<policies::query> wanted_;
  bool synced_ = false;  ///< of this session: all that a new one asks is answered, and the model true
  std::uint64_t probes_ = 0;
  policies::instant next_probe_{};
  bool sampling_ = false, pulsing_ = false, inspecting_ = false;
  stop_traces traces_;
  policies::instant stacks_after_{};       ///< a step has been taken: it gets its time first
  policies::instant undisturbed_until_{};  ///< no sample begins before
  bool operator_acts_ = false;             ///< a step that an operator asked for is under way
  bool was_at_risk_ = false, was_migrating_ = false;

  policies::instant due_{};
  asio::steady_timer retry_;
  vm_state state_ = vm_state::suspect;
  policies::instant state_since_;
};

}  // namespace unwedge::watch
