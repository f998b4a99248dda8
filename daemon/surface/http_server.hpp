// GET /metrics, /healthz and a small index, over TCP or a unix socket. The daemon gives it the metrics as a
// callback.
#pragma once

#include "daemon/surface/http_endpoint.hpp"
#include "daemon/surface/http_pages.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <exception>
#include <expected>
#include <functional>
#include <list>
#include <memory>
#include <string>

namespace unwedge::surface {

class http_session;

struct http_options {
  std::string listen;  ///< "ADDR:PORT", "unix:PATH"; port 0 is any free one
  http_sources sources = {};
  std::function<void(std::string)> report = {};  ///< a sentence for the log
  std::size_t max_connections = 32;              ///< more are closed at once
  std::chrono::milliseconds deadline{5'000};     ///< per request, per answer, and idle in between
};

/// One thread: call everything from the executor's. Destroy only after run() has returned.
class http_server {
 public:
  /// Binds; serves nobody before run(). The error says what was tried and why it failed.
  static std::expected<std::unique_ptr<http_server>, std::string> listen(
      const boost::asio::any_io_executor& executor, http_options options);
  ~http_server();

  /// Serves until stop(), or until it is cancelled; returns when every connection has ended. Call once.
  boost::asio::awaitable<void> run();

  /// Closes the listening socket and all connections. Idempotent; run() ends soon after.
  void stop();

  /// Where it listens: "127.0.0.1:9758", "unix:/run/unwedge/http.sock".
  const std::string& address() const { return endpoint_.name; }

  std::size_t connections() const { return sessions_.size(); }

 private:
  http_server(const boost::asio::any_io_executor& executor, http_options options, http_endpoint endpoint);
  void admit(http_socket client);

  boost::asio::any_io_executor executor_;
  http_options options_;
  http_endpoint endpoint_;
  boost::asio::steady_timer changed_;  ///< expires when a connection ends or the server stops
  std::list<http_session> sessions_;
  std::exception_ptr failure_;
  bool stopping_ = false;
};

}  // namespace unwedge::surface
