#include "policies/model/migration.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace unwedge::policies {

bool is_running(const migration_state& m) {
  constexpr std::array<std::string_view, 6> over{"", "none", "completed", "failed", "cancelled", "colo"};
  return std::ranges::find(over, m.status) == over.end();
}

bool in_postcopy(const migration_state& m) {
  return m.status.starts_with("postcopy");
}

}  // namespace unwedge::policies
