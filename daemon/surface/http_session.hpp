// One HTTP connection: reads requests within limits, writes pages. Private to the HTTP server, which owns it
// and spawns run(). The only part that compiles Beast.
#pragma once

#include "daemon/surface/http_endpoint.hpp"
#include "daemon/surface/http_pages.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>

namespace unwedge::surface {

struct http_stream;

class http_session {
 public:
  /// `sources` outlives the session. A request must be complete, and its answer taken, within `deadline`
  /// each; an idle connection is closed after `deadline`.
  http_session(http_socket socket, const http_sources& sources, std::chrono::milliseconds deadline);
  ~http_session();

  /// Serves until the client leaves, breaks the protocol or a limit, or close().
  boost::asio::awaitable<void> run();

  void close();

 private:
  struct request;
  boost::asio::awaitable<bool> answer(request asked);
  boost::asio::awaitable<bool> send(request asked, http_page page);

  const http_sources& sources_;
  std::chrono::milliseconds deadline_;
  std::unique_ptr<http_stream> stream_;
};

}  // namespace unwedge::surface
