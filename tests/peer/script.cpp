#include "tests/peer/script.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace unwedge::tests {

std::string greeting(bool oob) {
  return fmt::format(R"({{"QMP": {{"version": {{"qemu": {{"micro": 22, "minor": 2, "major": 7}}, )"
                     R"("package": "Debian 1:7.2+dfsg-7+deb12u18"}}, "capabilities": [{}]}}}})"
                     "\r\n",
                     oob ? R"("oob")" : "");
}

std::string event(std::string_view name, std::string_view data) {
  return fmt::format(R"({{"timestamp": {{"seconds": 1732300000, "microseconds": 250000}}, "event": "{}"{}}})"
                     "\r\n",
                     name, data.empty() ? std::string() : fmt::format(R"(, "data": {})", data));
}

script handshake(bool oob) {
  return {say{greeting(oob)}, expect{"qmp_capabilities"}, reply{}};
}

script operator+(script first, const script& then) {
  first.insert(first.end(), then.begin(), then.end());
  return first;
}

script cut_off_after(const script& whole, std::size_t steps) {
  script cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(std::min(steps, whole.size())));
  cut.emplace_back(hang_up{});
  return cut;
}

}  // namespace unwedge::tests
