#include "daemon/watch/process_scan.hpp"

#include "daemon/watch/store_worker.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace unwedge::watch {
namespace {

constexpr std::chrono::seconds every{5};

asio::awaitable<std::vector<evidence::qemu_process>> look(std::set<pid_t> known) {
  co_return evidence::find_qemu_processes(known);
}

}  // namespace

process_scan::process_scan(const asio::any_io_executor& executor, asio::thread_pool& pool, listener l)
    : pool_(pool), listener_(std::move(l)), next_(executor) {}

void process_scan::enable(bool on) {
  enabled_ = on;
  next_.cancel();
}

asio::awaitable<void> process_scan::run() {
  while (!stopping_) {
    if (enabled_) {
      auto found = co_await asio::co_spawn(pool_, look(listener_.known()), uncancelled());
      for (auto& q : found) {
        if (!stopping_ && enabled_) listener_.found(std::move(q));
      }
    }
    if (stopping_) break;
    next_.expires_after(every);
    co_await next_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

void process_scan::stop() {
  stopping_ = true;
  next_.cancel();
}

}  // namespace unwedge::watch
