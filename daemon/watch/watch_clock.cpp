#include "daemon/watch/watch_clock.hpp"

#include "daemon/watch/vm_watcher.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace unwedge::watch {
namespace {

constexpr auto later = [](const auto& a, const auto& b) { return a.due > b.due; };

}  // namespace

void watch_clock::call(const std::shared_ptr<vm_watcher>& w, policies::instant due) {
  const bool earliest = heap_.empty() || due < heap_.front().due;
  heap_.push_back({due, w});
  std::ranges::push_heap(heap_, later);
  if (earliest) timer_.cancel();
}

void watch_clock::call_those_due() {
  const auto now = std::chrono::steady_clock::now();
  while (!heap_.empty() && heap_.front().due <= now) {
    std::ranges::pop_heap(heap_, later);
    const auto called = std::move(heap_.back());
    heap_.pop_back();
    const auto w = called.who.lock();
    if (w && w->due() == called.due) w->on_time();
  }
}

asio::awaitable<void> watch_clock::run() {
  while (!stopping_) {
    call_those_due();
    timer_.expires_at(heap_.empty() ? policies::instant::max() : heap_.front().due);
    co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

void watch_clock::stop() {
  stopping_ = true;
  timer_.cancel();
}

}  // namespace unwedge::watch
