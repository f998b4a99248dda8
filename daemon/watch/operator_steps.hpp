// What an operator may ask for by name: flag-core, core, abort. On record as a policy's steps are, within the
// VM's authority, and never beside another step. One thread.
#pragma once

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
  };
  explicit operator_steps(needs n) : n_(n) {}

  /// Says first what it would mean (`say`), then does it, on record. The sentence of what was done, or why
  /// not: the VM's authority, a hold, a dry run, another step under way, no `yes` where it takes one.
  using result = std::expected<std::string, std::string>;
  asio::awaitable<result> act(operator_act asked, std::function<void(std::string)> say);
  bool under_way() const { return under_way_; }

 private:
  std::string refuses(const operator_act& asked) const;
  std::string open_incident(const operator_act& asked);
  asio::awaitable<result> act_on_record(operator_act asked);

  needs n_;
  bool under_way_ = false;
};

}  // namespace unwedge::watch
