// Carries out what is done to a hung VM from outside: its connections shut down (sever-root), its BQL lent
// away and, in the window, the dead copy cut off (rescue-root). Both by unwedge-rescue; that they are meant,
// and still so, is seen to by who calls. One thread.
#pragma once

#include "daemon/watch/monitor_commands.hpp"
#include "daemon/watch/process_stops.hpp"
#include "daemon/watch/rescue_orders.hpp"

#include <expected>
#include <string>
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

  struct outcome {
    std::string result;              ///< "done", or "failed: ..." with why, and whether anything was done
    std::vector<std::string> notes;  ///< what was done, one sentence each, for the record
  };
  /// A cut takes milliseconds. A lease takes what its plan takes and what the jobs take to end in its window
  /// (`[rescue] window`, at most), and comes back once its holder has its locks again and the main loop
  /// answers, or does not.
  asio::awaitable<outcome> carry_out(policies::step s);

  /// Every precondition of the step as it is now. Touches nothing. Error: a sentence.
  using plan_result = std::expected<std::vector<rescuing::plan>, std::string>;
  asio::awaitable<plan_result> plan(policies::step s);

 private:
  /// How the window came to its end, as far as it was ours.
  enum class window { nothing_cut, concluded, not_concluded };

  asio::awaitable<outcome> sever(std::vector<rescuing::sever_request> all);
  asio::awaitable<outcome> lend(lease_orders orders);
  asio::awaitable<window> use(const lease_orders& orders, const rescuing::lease& lease, outcome& out);
  asio::awaitable<std::string> cut_off(const watch::cut& how);
  asio::awaitable<bool> concluded(const lease_orders& orders, const rescuing::lease& lease);
  asio::awaitable<bool> answers();
  rescuing::lease_request request_of(const lease_orders&) const;

  needs n_;
};

/// "nested-poll: ...; nothing was done": why an order was not carried out.
std::string in_words(const rescuing::failure&);

}  // namespace unwedge::watch
