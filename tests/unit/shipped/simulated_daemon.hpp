// One run of the daemon on one VM, as daemon/watch drives the engine, on a virtual clock: events and replies
// to the model, samples to its health and suspicion, decisions to commands and back. Thrown away when the
// daemon is killed; what it had on disk stays in the simulator.
#pragma once

#include "diary.hpp"
#include "policies/engine.hpp"
#include "policies/suspicion.hpp"
#include "scripted_qemu.hpp"

#include <deque>
#include <map>
#include <string>
#include <vector>

namespace unwedge::policies::fake {

/// An incident as it is on disk.
struct kept_incident {
  std::string policy, subject;
  struct kept_step {
    policies::step step;
    std::string result;  ///< empty: its intent is on record, its outcome not
  };
  std::vector<kept_step> steps;
};

/// When the daemon is killed, if it is.
enum class killed { not_at_all, with_the_intent_on_record, with_the_command_sent };

/// What outlives a run of the daemon.
struct surroundings {
  scripted_qemu& qemu;
  const std::vector<policy>& policies;
  action_frame frame;
  step_budget& of_host;
  diary told;
  std::map<std::string, kept_incident> disk;       ///< open ones, by run
  std::optional<boost::json::object> precautions;  ///< what is set in QEMU, for the next run
  killed next_step = killed::not_at_all;
  std::vector<std::string> broken_rules;
  std::map<std::string, std::deque<instant>> steps_taken;  ///< by policy
};

class simulated_daemon {
 public:
  simulated_daemon(surroundings& around, instant now);

  void hears(const scripted_event&, instant now);
  /// Everything that is due: replies, steps, a tick.
  void slot(instant now);
  /// SIGTERM: takes back what would be in the way without it, one after the other, and ends.
  void ends_in_order();

  bool is_dead() const { return dead_; }
  std::string standing(instant now);

 private:
  /// A command on its way, in the order in which QEMU takes them.
  struct sent_command {
    std::optional<query> asks;
    step act;
    std::string run;  ///< of a step; empty for a query or a precaution
    instant at{};
    bool abandoned = false;   ///< nobody waits for its answer any more
    bool takes_back = false;  ///< sent at the end of the daemon
  };
  struct begun_step {
    std::string run;
    policies::step step;
    instant due{};
    bool sent = false;
  };

  /// Greeted, but negotiated only once the main loop answers: a new session is blind to a hung VM.
  void connect(instant now);

  // as vm_rounds.cpp
  void tick(instant now);
  void review(instant now);
  void probe(instant now);
  void wake(instant now) { due_ = now; }
  instant next_wake(instant now) const;
  void end_of_process(instant now);

  // as vm_monitor.cpp
  void note_risk(instant now);
  void want(refresh r);
  void ask_next(instant now);
  void ask(query q, instant now);
  void take_replies(instant now);
  void on_reply(const sent_command&, instant now);
  bool in_band_outstanding() const { return !sent_.empty(); }

  // as stall_watch.cpp and vm_situation.cpp
  duration between_samples() const;
  void sample(instant now);
  bool talking() const;
  bool settled() const;
  vm_view view(instant now) const;
  policies::look look(const vm_view& v) {
    return {v, "web01", around_.policies, around_.frame, around_.of_host};
  }
  void decide(instant now);

  // as vm_incidents.cpp and vm_steps.cpp
  void carry_out(const std::string& run, const open_incident& d, instant now);
  void carry_out(const std::string& run, const amend_verdict& d, instant now);
  void carry_out(const std::string& run, const take_step& d, instant now);
  void carry_out(const std::string& run, const record_step& d, instant now);
  void carry_out(const std::string& run, const add_note& d, instant now);
  void carry_out(const std::string& run, const close_incident& d, instant now);
  void carry_out(const std::string& run, const set_precaution& d, instant now);
  void perform(instant now);
  void perform_from_outside(instant now);
  bool last_look(instant now);
  void send(const step& s, const std::string& run, instant now);
  void outcome(const std::string& result, instant now);
  void count_step(const std::string& run, instant now);
  void precaution_done(const step& s, bool accepted, instant now);
  void give_up_taking_back();
  void save_precautions() { around_.precautions = engine_.left_in_qemu(); }
  void take_back(instant now);
  bool migration_is_over(instant now);

  surroundings& around_;
  vm_model vm_;
  suspicion suspicion_;
  engine engine_;
  std::optional<verdict> verdict_;
  io_health io_;
  bool dead_ = false, gone_ = false, was_at_risk_ = false, was_migrating_ = false, synced_ = false;
  std::uint64_t probes_ = 0;
  instant next_probe_{}, next_sample_{}, due_{};
  std::vector<query> wanted_;
  std::deque<sent_command> sent_;
  std::optional<begun_step> acting_;
  bool took_back_in_vain_ = false;
  std::optional<std::deque<step>> to_take_back_;  ///< once it is told to end
  std::optional<instant> waits_until_;            ///< for the end of the migration it cancelled
};

}  // namespace unwedge::policies::fake
