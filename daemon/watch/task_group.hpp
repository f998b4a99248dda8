// The owner of a set of coroutines: it spawns them, logs what they throw, and can be waited for until all
// have ended. What cancels them is the owner's affair (a flag, a timer, a closed session). One thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <string>

namespace unwedge::watch {

namespace asio = boost::asio;

class task_group {
 public:
  explicit task_group(const asio::any_io_executor& executor);
  ~task_group();
  task_group(const task_group&) = delete;
  task_group& operator=(const task_group&) = delete;

  /// Starts `task`; `what` names it in the log if it throws. The group must outlive it: see join().
  void spawn(asio::awaitable<void> task, std::string what);

  /// Returns when no task runs any more.
  asio::awaitable<void> join();

  std::size_t running() const { return running_; }

 private:
  asio::any_io_executor executor_;
  asio::steady_timer changed_;
  std::size_t running_ = 0;
};

}  // namespace unwedge::watch
