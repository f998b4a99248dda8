// A VM under the real engine and the shipped policies, on a virtual clock: a script says what happens to it
// at which second, the story says what the engine did.
//
//   simulator s;
//   s.at(1).mirror("m0");
//   s.at(5).target_dies("m0");
//   s.until(60);
//   tells(s, {"1.1 set: pause-before-switchover on", ...});
#pragma once

#include "simulated_daemon.hpp"

#include <functional>
#include <memory>

namespace unwedge::policies::fake {

class simulator;

/// The moment of a script at which something happens. All verbs can be chained.
class moment {
 public:
  moment(simulator& s, instant when) : s_(s), when_(when) {}

  moment at(double second);  ///< another
  moment& mirror(const std::string& id, double seconds_to_ready = 1e6);
  moment& job(const std::string& id, const std::string& type, const std::string& status);
  moment& target_dies(const std::string& job = "m0");
  moment& target_falls_silent(const std::string& job = "m0");
  moment& target_falls_silent_in_one_tick(const std::string& job = "m0");
  moment& target_flushes(const std::string& job = "m0");
  moment& target_revives(const std::string& job = "m0");
  moment& target_fails(const std::string& job = "m0");
  moment& destination_freezes(bool frozen = true);
  moment& event(const std::string& name, const boost::json::object& data = {});
  moment& manager(const std::string& command, boost::json::object arguments = {});
  moment& migrate() { return manager("migrate"); }
  moment& manager_sets(const std::string& capability, bool on = true);
  moment& yanks_node(const std::string& node = "tgt");
  moment& yanks_migration();
  moment& process_dies();
  moment& process_shuts_down();
  moment& daemon_is_killed(double seconds);
  /// At the next step that it takes: gone for so long.
  moment& daemon_is_killed(killed when, double seconds);
  moment& daemon_is_stopped(double seconds);  ///< in order
  moment& qemu(std::function<void(scripted_qemu&)> does);
  moment& frame(std::function<void(action_frame&)> changes);

 private:
  moment& then(std::function<void()> does);

  simulator& s_;
  instant when_;
};

class simulator {
 public:
  explicit simulator(machine m = {}, step_budget* of_host = nullptr);

  moment at(double second);
  void until(double second);
  /// Goes on until nothing is open, at most for so many seconds.
  void until_closed(double seconds);

  const std::vector<std::string>& story() const { return around_.told.story(); }
  std::string transcript() const { return around_.told.transcript(); }
  std::vector<std::string> broken_rules() const;
  double now() const;
  bool incident_open() const { return !around_.disk.empty(); }
  std::string standing() { return daemon_ ? daemon_->standing(now_) : "no daemon"; }

  action_frame& frame() { return around_.frame; }
  policy& policy_called(const std::string& name);
  std::vector<policy>& policies() { return policies_; }
  scripted_qemu& qemu() { return qemu_; }

 private:
  friend class moment;
  void slot();
  void start_daemon();

  std::vector<policy> policies_;
  scripted_qemu qemu_;
  step_budget own_host_;
  surroundings around_;
  std::unique_ptr<simulated_daemon> daemon_;
  instant now_{}, back_at_ = instant::max();
  duration gone_for_{};
  std::multimap<instant, std::function<void()>> script_;
};

/// The policies as they are shipped, read from the source folder.
const std::vector<policy>& shipped_policies();

/// The story was this, and no rule was broken.
void tells(const simulator&, const std::vector<std::string>& story);
/// Likewise, the story began so.
void tells_first(const simulator&, const std::vector<std::string>& story);
void keeps_the_rules(const simulator&);

}  // namespace unwedge::policies::fake
