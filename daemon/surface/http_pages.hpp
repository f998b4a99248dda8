// What the HTTP server has to say: a constant table of paths. Knows no sockets.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace unwedge::surface {

/// What the daemon gives.
struct http_sources {
  std::function<std::string()> metrics;  ///< the text of /metrics; from memory, never a query to a VM
};

struct http_page {
  unsigned status = 200;
  std::string_view type = "text/plain; charset=utf-8";
  std::string body;
};

/// The answer to `method` ("GET", "HEAD", ...) on `target` ("/metrics?x=y"). A HEAD has the body of its GET,
/// which the connection does not send. A source that throws makes a 500.
http_page page_for(std::string_view method, std::string_view target, const http_sources& sources);

}  // namespace unwedge::surface
