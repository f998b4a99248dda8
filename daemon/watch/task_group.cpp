#include "daemon/watch/task_group.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include <cassert>

namespace unwedge::watch {

task_group::task_group(const asio::any_io_executor& executor)
    : executor_(executor), changed_(executor, asio::steady_timer::time_point::max()) {}

task_group::~task_group() = default;

void task_group::spawn(asio::awaitable<void> task, std::string what) {
  ++running_;
  asio::co_spawn(executor_, std::move(task),
                 [this, what = std::move(what)](const std::exception_ptr& thrown) {
                   --running_;
                   changed_.cancel();
                   if (!thrown) return;
                   try {
                     std::rethrow_exception(thrown);
                   } catch (const std::exception& e) {
                     spdlog::error("{}: ended by an unexpected error, please report it: {}", what, e.what());
                   }
                 });
}

asio::awaitable<void> task_group::join() {
  while (running_ > 0) co_await changed_.async_wait(asio::as_tuple(asio::use_awaitable));
}

}  // namespace unwedge::watch
