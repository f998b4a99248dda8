#include "daemon/surface/http_pages.hpp"

#include <algorithm>
#include <array>
#include <exception>

namespace unwedge::surface {
namespace {

struct route {
  std::string_view path;
  std::string_view type;
  std::string (*body)(const http_sources&);
};

constexpr std::string_view plain_text = "text/plain; charset=utf-8";
constexpr std::string_view metrics_text =
    "text/plain; version=0.0.4; charset=utf-8";  // Prometheus's text format

std::string index_body(const http_sources&) {
  return "unwedged\n\n/metrics  for Prometheus\n/healthz  answers while the daemon's loop runs\n";
}
std::string health_body(const http_sources&) {
  return "ok\n";
}
std::string metrics_body(const http_sources& sources) {
  return sources.metrics ? sources.metrics() : std::string();
}

constexpr std::array routes = {
    route{"/", plain_text, &index_body},
    route{"/healthz", plain_text, &health_body},
    route{"/metrics", metrics_text, &metrics_body},
};

}  // namespace

http_page page_for(std::string_view method, std::string_view target, const http_sources& sources) {
  auto const path = target.substr(0, target.find('?'));
  auto const found = std::ranges::find(routes, path, &route::path);
  if (found == routes.end()) return {404, plain_text, "no such page; / lists them\n"};
  if (method != "GET" && method != "HEAD") return {405, plain_text, "only GET and HEAD\n"};
  try {
    return {200, found->type, found->body(sources)};
  } catch (const std::exception& error) {
    return {500, plain_text, std::string(error.what()) + '\n'};
  }
}

}  // namespace unwedge::surface
