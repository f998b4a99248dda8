// Runs programs for the daemon: helpers, which are believed nothing and given nothing. What they write is
// bounded, so is their time; whatever they do, the I/O thread does not wait for them. Decides nothing, logs
// nothing. One thread.
#pragma once

#include "daemon/child/conversation.hpp"

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
  /// Of a single thread, which must outlive the children: they are ended when it ends.
  explicit runner(asio::any_io_executor executor);
  ~runner();
  runner(const runner&) = delete;
  runner& operator=(const runner&) = delete;

  /// Returns when it has ended, at the latest a second or so after its deadline. However it ended is a
  /// result; an error says why it did not run at all, or that we are ending. Cancelled or destroyed, it kills
  /// the child. The runner must outlive the call.
  asio::awaitable<std::expected<finished, std::string>> run(command c);

  /// Runs it and does not wait. Without a grace it is killed as soon as it is told to end. Takes about a
  /// millisecond. Error as above, but that it cannot be executed only its end says.
  std::expected<conversation, std::string> start(command c);

  /// Kills all that run, those with a grace at its end, and runs nothing any more.
  void stop();

 private:
  std::expected<std::shared_ptr<running>, std::string> begin(const command& c);

  asio::any_io_executor executor_;
  std::vector<std::weak_ptr<running>> running_;
  bool stopping_ = false;
};

}  // namespace unwedge::child
