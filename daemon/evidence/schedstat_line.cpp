#include "daemon/evidence/schedstat_line.hpp"

#include <charconv>

namespace unwedge::evidence {

std::optional<schedstat_line> parse_schedstat(std::string_view line) {
  schedstat_line out;
  const char* at = line.data();
  const char* const end = at + line.size();
  for (auto* number : {&out.on_cpu_ns, &out.waited_ns, &out.runs}) {
    if (number != &out.on_cpu_ns && (at == end || *at++ != ' ')) return std::nullopt;
    const auto parsed = std::from_chars(at, end, *number);
    if (parsed.ec != std::errc{}) return std::nullopt;
    at = parsed.ptr;
  }
  if (out.runs == 0) return std::nullopt;
  return out;
}

}  // namespace unwedge::evidence
