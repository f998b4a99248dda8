// Carries out what is done to a hung VM from outside: its connections shut down (sever-root), its BQL lent
// away and, in the window, the dead copy cut off (rescue-root). Both by unwedge-rescue; that they are meant
// is seen to by who calls, and asked again here before anything is done. One thread.
#pragma once

#include "daemon/watch/act_outcome.hpp"
#include "daemon/watch/connection_cuts.hpp"
#include "daemon/watch/monitor_commands.hpp"
#include "daemon/watch/process_stops.hpp"
#include "daemon/watch/rescue_orders.hpp"

#include <expected>
#include <vector>

namespace unwedge::watch {

class vm_rescue {
 public:
  /// All outlive it. It outlives its coroutines: whoever awaits them keeps the watcher.
  struct needs {
    watched_vm& vm;
    vm_process& process;
    vm_monitor& monitor;
    process_stops& stops;
    monitor_commands& commands;
  };
  explicit vm_rescue(needs n) : n_(n) {}

  using ban = rescue_ban;

  /// A cut takes milliseconds. A lease takes what its plan takes and what the jobs take to end in its window
  /// (`[rescue] window`, at most), and comes back once its holder has its locks again and the main loop
  /// answers, or does not. Whatever happens, the lock is not lent any more when it comes back.
  asio::awaitable<act_outcome> carry_out(policies::step s, ban banned);

  /// Every precondition of the step as it is now. Touches nothing. Error: a sentence.
  using plan_result = std::expected<std::vector<rescuing::plan>, std::string>;
  asio::awaitable<plan_result> plan(policies::step s);

  /// Asks for as long as that; true if it answers. Without a session nobody can be asked: true.
  asio::awaitable<bool> main_loop_answers(std::chrono::milliseconds within);

 private:
  asio::awaitable<act_outcome> sever_all(vm_process::handle of, connections all, ban banned);
  asio::awaitable<act_outcome> lend(vm_process::handle of, lease_orders orders, ban banned);
  asio::awaitable<act_outcome> lend_in_turn(vm_process::handle of, lease_orders orders, ban banned);
  rescuing::lease_request request_of(const vm_process::handle& of, const lease_orders&) const;

  needs n_;
};

}  // namespace unwedge::watch
