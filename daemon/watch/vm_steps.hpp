// Takes the steps that the engine decides on: intent on record, the ground looked at once more, the command
// to QEMU or what is done to its process, the outcome. At most one at a time, which the engine sees to. One
// thread.
#pragma once

#include "daemon/watch/incident_stacks.hpp"
#include "daemon/watch/last_look.hpp"
#include "daemon/watch/monitor_commands.hpp"
#include "daemon/watch/vm_precautions.hpp"
#include "daemon/watch/vm_rescue.hpp"

#include <string>

namespace unwedge::watch {

class vm_steps {
 public:
  /// All outlive it. It outlives its coroutines: whoever awaits or spawns them keeps the watcher.
  struct needs {
    watched_vm& vm;
    policies::engine& engine;
    vm_process& process;
    vm_monitor& monitor;
    process_stops& stops;
    monitor_commands& commands;
    vm_rescue& rescue;
    vm_situation& situation;
    vm_incidents& incidents;
    incident_stacks& stacks;
    vm_precautions& precautions;
    stall_watch& stall;
    last_look::needs look;
  };
  explicit vm_steps(needs n) : n_(n), look_(n.look) {}

  void carry_out(const std::string& run, policies::take_step d);
  void carry_out(const std::string& run, policies::set_precaution d);

  /// Takes back what was set in QEMU and would be in the way without us. One after the other, each answered:
  /// QEMU drops what it has not read when its client vanishes. A VM that hangs is left alone.
  asio::awaitable<void> take_back();

 private:
  asio::awaitable<void> act(std::string run, policies::step s);
  asio::awaitable<void> set(policies::set_precaution p);
  asio::awaitable<act_outcome> perform_guarded(std::string run, policies::step s);
  asio::awaitable<act_outcome> perform(std::string run, policies::step s);
  asio::awaitable<act_outcome> perform_on_process(std::string run, policies::step s);
  asio::awaitable<act_outcome> perform_from_outside(std::string run, policies::step s);
  asio::awaitable<void> migration_is_over();

  needs n_;
  last_look look_;
};

}  // namespace unwedge::watch
