#include "daemon/watch/json_values.hpp"

#include "daemon/incident/timestamp.hpp"

namespace unwedge::watch {
namespace {

namespace json = boost::json;

policies::instant now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

std::string date_of(policies::instant t) {
  const auto wall = std::chrono::system_clock::now() -
                    std::chrono::duration_cast<std::chrono::system_clock::duration>(now() - t);
  return incidents::to_rfc3339(wall);
}

std::int64_t ms(policies::duration d) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
}

json::value or_null(const std::string& s) {
  return s.empty() ? json::value(nullptr) : json::value(s);
}

}  // namespace unwedge::watch
