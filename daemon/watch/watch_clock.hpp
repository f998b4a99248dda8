// Says to each VM's watcher when its time has come: one timer for all of them. A timer of its own for each of
// a thousand VMs cost an eighth of all CPU time of probing. One thread.
#pragma once

#include "policies/evidence.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <vector>

namespace unwedge::watch {

namespace asio = boost::asio;
class vm_watcher;

class watch_clock {
 public:
  explicit watch_clock(const asio::any_io_executor& executor) : timer_(executor) {}

  /// Calls `w->on_time()` at `due`, unless it asked for another time meanwhile (vm_watcher::due) or is gone.
  void call(const std::shared_ptr<vm_watcher>& w, policies::instant due);

  /// Runs until stop(). Spawn once.
  asio::awaitable<void> run();
  void stop();

 private:
  struct entry {
    policies::instant due;
    std::weak_ptr<vm_watcher> who;
  };
  void call_those_due();

  asio::steady_timer timer_;
  std::vector<entry> heap_;  ///< the earliest first
  bool stopping_ = false;
};

}  // namespace unwedge::watch
