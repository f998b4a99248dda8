#include "daemon/evidence/stat_line.hpp"

#include <charconv>

namespace unwedge::evidence {

std::optional<stat_line> parse_stat(std::string_view line) {
  const auto open = line.find('(');
  const auto close = line.rfind(')');
  if (open == line.npos || close == line.npos || close < open || line.size() < close + 3) return std::nullopt;
  stat_line result{.comm = std::string{line.substr(open + 1, close - open - 1)}, .state = line[close + 2]};
  auto rest = line.substr(close + 3);
  for (int field = 4; field <= 22; ++field) {
    if (rest.empty() || rest.front() != ' ') return std::nullopt;
    rest.remove_prefix(1);
    const auto end = std::min(rest.find(' '), rest.size());
    std::uint64_t value = 0;  // negative ones (priority, tpgid) are none of ours
    if (field == 14 || field == 15 || field == 22) {
      const char* const digits = rest.data();
      if (std::from_chars(digits, digits + end, value).ec != std::errc{}) return std::nullopt;
    }
    if (field == 14 || field == 15) result.cpu_ticks += value;
    if (field == 22) result.start_time = value;
    rest.remove_prefix(end);
  }
  return result;
}

}  // namespace unwedge::evidence
