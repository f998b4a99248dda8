// What an operator may ask for by name: cores, and the remedies of a hang. On record as a policy's steps are,
// within the VM's authority, and never beside another step. One thread.
#pragma once

#include "daemon/watch/operator_rescue.hpp"
#include "daemon/watch/process_stops.hpp"
#include "daemon/watch/vm_incidents.hpp"
#include "daemon/watch/vm_situation.hpp"

#include <expected>
#include <functional>
#include <string>

namespace unwedge::watch {

struct operator_act {
  std::string action;
  bool yes = false;
  bool with_ram = false;
  bool plan_only = false;  ///< says what it would mean; nothing is done, and nothing on record
};

class operator_steps {
 public:
  /// All outlive it. It outlives its coroutines: whoever awaits them keeps the watcher.
  struct needs {
    watched_vm& vm;
    policies::engine& engine;
    vm_process& process;
    process_stops& stops;
    vm_situation& situation;
    vm_incidents& incidents;
    operator_rescue& rescue;
    stall_watch& stall;
  };
  explicit operator_steps(needs n) : n_(n) {}

  /// Says first what it would mean (`say`), then does it, on record. The sentence of what was done, or why
  /// not: the VM's authority, a hold, a dry run, another step under way, no `yes` where it takes one. If only
  /// a plan is asked for: whether it could be done now.
  using result = std::expected<std::string, std::string>;
  using teller = std::function<void(act_plan)>;
  asio::awaitable<result> act(operator_act asked, teller say);

 private:
  /// The step that it is here and now, and what that means.
  struct prepared {
    policies::step step;
    act_plan plan;
  };

  std::string unknown(const operator_act& asked) const;
  std::string refuses(policies::authority needs) const;
  std::string open_incident(const operator_act& asked);
  asio::awaitable<std::expected<prepared, std::string>> prepare(operator_act asked);
  asio::awaitable<result> act_on_record(operator_act asked, policies::step s);
  asio::awaitable<act_outcome> carry_out(operator_act asked, policies::step s, std::string incident);

  needs n_;
};

}  // namespace unwedge::watch
