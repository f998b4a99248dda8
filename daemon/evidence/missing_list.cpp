#include "daemon/evidence/missing_list.hpp"

#include "daemon/evidence/proc_files.hpp"

#include <fmt/format.h>

namespace unwedge::evidence {

void missing_list::note(std::string_view what, std::string_view whom, std::string_view why) {
  for (auto& known : entries_) {
    if (known.what == what && known.why == why) {
      ++known.more;
      return;
    }
  }
  if (entries_.size() + 1 < most)
    entries_.push_back({std::string{what}, std::string{whom}, std::string{why}});
  else
    ++beyond_;
}

void missing_list::note(std::string_view what, std::string_view whom, int error) {
  note(what, whom, error_text(error));
}

std::vector<std::string> missing_list::sentences() const {
  std::vector<std::string> result;
  for (const auto& [what, whom, why, more] : entries_) {
    std::string of = whom.empty() ? "" : fmt::format(" of {}", whom);
    if (more != 0 && !whom.empty()) of += fmt::format(" and {} more", more);
    result.push_back(fmt::format("{}{}: {}", what, of, why));
  }
  if (beyond_ != 0) result.push_back(fmt::format("{} more pieces of evidence could not be read", beyond_));
  return result;
}

}  // namespace unwedge::evidence
