// The one thread that writes incidents. The store may block on the disk for as long as the disk likes; the
// daemon's I/O thread hands it work in order and never waits for it but in a coroutine, with a deadline.
#pragma once

#include "daemon/incident/store.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <functional>
#include <utility>

namespace unwedge::watch {

/// Asio 1.81 hands a cancellation to a coroutine of another thread as a raw pointer into the caller's slot,
/// which may be freed by then: work on a worker thread is never cancelled, it is waited for.
inline auto uncancelled() {
  return boost::asio::bind_cancellation_slot(boost::asio::cancellation_slot(), boost::asio::use_awaitable);
}

class store_worker {
 public:
  explicit store_worker(incidents::store s) : store_(std::move(s)), thread_(1) {}

  /// Runs `work` on the worker thread, after all that was handed over before.
  void post(std::function<void(incidents::store&)> work);

  /// The same, and comes back with its result on the caller's executor.
  template <typename R>
  boost::asio::awaitable<R> run(std::function<R(incidents::store&)> work) {
    co_return co_await boost::asio::co_spawn(thread_, invoke<R>(&store_, std::move(work)), uncancelled());
  }

  /// Waits until everything handed over is on disk. For the end of the daemon.
  void finish() { thread_.join(); }

 private:
  template <typename R>
  static boost::asio::awaitable<R> invoke(incidents::store* s, std::function<R(incidents::store&)> work) {
    co_return work(*s);
  }

  incidents::store store_;
  boost::asio::thread_pool thread_;
};

}  // namespace unwedge::watch
