// The window of a lease that was granted: the main loop runs, and what its holder waits for is ended. One
// object a lease, used by vm_rescue. One thread.
#pragma once

#include "daemon/watch/act_outcome.hpp"
#include "daemon/watch/monitor_commands.hpp"
#include "daemon/watch/rescue_orders.hpp"
#include "daemon/watch/vm_process.hpp"

#include <set>
#include <string>

namespace unwedge::watch {

class lease_window {
 public:
  /// All outlive it.
  struct needs {
    watched_vm& vm;
    const vm_process& process;
    const vm_monitor& monitor;
    monitor_commands& commands;
  };
  lease_window(needs n, vm_process::handle of, lease_orders orders, rescue_ban banned, rescuing::lease lease)
      : n_(n),
        of_(std::move(of)),
        orders_(std::move(orders)),
        banned_(std::move(banned)),
        lease_(std::move(lease)) {}

  /// Does all of the orders, in the order of docs/rescue.md, and comes back once the lease is over, whatever
  /// happens. Before each thing it is asked whether it still may be done, and the window lasts long enough.
  /// To be called once; the object must outlive the coroutine.
  asio::awaitable<act_outcome> use();

 private:
  /// How it came to its end, as far as that was ours.
  enum class end { nothing_cut, jobs_end, jobs_go_on };

  asio::awaitable<end> cut();
  asio::awaitable<std::string> against_fence();
  asio::awaitable<bool> asked(policies::query q);
  asio::awaitable<bool> cancel_migration();
  asio::awaitable<bool> yank();
  asio::awaitable<bool> sever_all();
  asio::awaitable<bool> jobs_end();
  asio::awaitable<void> end_paused();
  bool is_at_its_end(const std::string& job) const;
  asio::awaitable<void> over(std::chrono::steady_clock::time_point at);
  std::string against_going_on() const;
  std::chrono::milliseconds usable() const;

  needs n_;
  vm_process::handle of_;
  lease_orders orders_;
  rescue_ban banned_;
  rescuing::lease lease_;
  std::set<std::string> aborting_before_, cancelled_;  ///< jobs
  act_outcome out_{.result = "done", .touched = true};
};

}  // namespace unwedge::watch
