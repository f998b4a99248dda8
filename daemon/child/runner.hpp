// Runs programs for the daemon: helpers, which are believed nothing and given nothing. What they write is
// bounded, so is their time; whatever they do, the I/O thread does not wait for them. Decides nothing, logs
// nothing. One thread.
#pragma once

#include "daemon/child/command.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <expected>
#include <memory>
#include <vector>

namespace unwedge::child {

namespace asio = boost::asio;
class running;

class runner {
 public:
  /// Of a single thread, which must outlive the children: they are killed when it ends.
  explicit runner(asio::any_io_executor executor);
  ~runner();
  runner(const runner&) = delete;
  runner& operator=(const runner&) = delete;

  /// Returns when it has ended, at the latest a second or so after its deadline. However it ended is a
  /// result; an error says why it did not run at all, or that we are ending. Cancelled or destroyed, it kills
  /// the child. The runner must outlive the call.
  asio::awaitable<std::expected<finished, std::string>> run(command c);

  /// Kills all that run, and runs nothing any more.
  void stop();

 private:
  asio::any_io_executor executor_;
  std::vector<std::weak_ptr<running>> running_;
  bool stopping_ = false;
};

}  // namespace unwedge::child
