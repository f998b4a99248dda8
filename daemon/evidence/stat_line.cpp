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

std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_program_data(std::string_view line) {
  constexpr int start_data = 45, start_brk = 47;
  const auto close = line.rfind(')');
  if (close == line.npos || close + 2 > line.size()) return std::nullopt;
  auto rest = line.substr(close + 1);
  std::pair<std::uint64_t, std::uint64_t> out{0, 0};
  for (int field = 3; field <= start_brk; ++field) {
    if (rest.empty() || rest.front() != ' ') return std::nullopt;
    rest.remove_prefix(1);
    const auto end = std::min(rest.find(' '), rest.size());
    const char* const digits = rest.data();
    if (field == start_data) std::from_chars(digits, digits + end, out.first);
    if (field == start_brk) std::from_chars(digits, digits + end, out.second);
    rest.remove_prefix(end);
  }
  if (out.first == 0 || out.second <= out.first) return std::nullopt;
  return out;
}

}  // namespace unwedge::evidence
