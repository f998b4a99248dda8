// Runs a server (anything with run() and stop()) on its own io_context and thread, so that a test can be its
// blocking client. Ends it at the end of the test and fails the test if run() threw or did not return.
#pragma once

#include <boost/asio.hpp>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <thread>

namespace unwedge::tests {

template <typename Server>
class running_server {
 public:
  template <typename Listen>
  explicit running_server(Listen listen) {
    auto made = listen(context_.get_executor());
    if (!made) throw std::runtime_error(made.error());
    server_ = std::move(*made);
    boost::asio::co_spawn(context_, server_->run(),
                          [this](std::exception_ptr thrown) { thrown_ = std::move(thrown); });
    thread_ = std::jthread([this] { context_.run(); });
  }

  ~running_server() { stop(); }

  /// Every coroutine must end for the thread to: a stuck one shows as a time-out of the test.
  void stop() {
    if (!thread_.joinable()) return;
    boost::asio::post(context_, [this] { server_->stop(); });
    thread_.join();
    EXPECT_FALSE(thrown_);
  }

  /// Runs `work(server)` on the server's thread and returns what it returns.
  template <typename Work>
  auto on_loop(Work work) {
    std::packaged_task<decltype(work(std::declval<Server&>()))()> task([&] { return work(*server_); });
    auto result = task.get_future();
    boost::asio::post(context_, [&] { task(); });
    return result.get();
  }

 private:
  boost::asio::io_context context_{1};
  std::unique_ptr<Server> server_;
  std::exception_ptr thrown_;
  std::jthread thread_;
};

}  // namespace unwedge::tests
