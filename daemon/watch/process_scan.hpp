// Finds QEMU processes that nobody enrolled, every few seconds ([discover] processes = true). One thread;
// looks through /proc on the evidence pool.
#pragma once

#include "daemon/evidence/qemu_processes.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <functional>
#include <set>

namespace unwedge::watch {

namespace asio = boost::asio;

class process_scan {
 public:
  struct listener {
    /// The process ids of the VMs that are watched, and live.
    std::function<std::set<pid_t>()> known;
    std::function<void(evidence::qemu_process)> found;
  };

  process_scan(const asio::any_io_executor& executor, asio::thread_pool& pool, listener l);

  void enable(bool on);

  /// Looks until stop(). Spawn once.
  asio::awaitable<void> run();
  void stop();

 private:
  asio::thread_pool& pool_;
  listener listener_;
  asio::steady_timer next_;
  bool enabled_ = false;
  bool stopping_ = false;
};

}  // namespace unwedge::watch
