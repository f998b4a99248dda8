#include "policies/verdicts/verdicts.hpp"

#include <fmt/format.h>

namespace unwedge::policies {

std::optional<verdict> judge_state(const process_facts& facts, verdict v) {
  const auto& main = facts.threads.front();
  if (facts.tracer != 0 || main.state == 't') {
    v.kind = verdict_kind::traced;
    v.reasons.push_back(fmt::format("Process {} traces it.", facts.tracer));
    return v;
  }
  if (facts.frozen_in) {
    v.kind = verdict_kind::frozen;
    v.reasons.push_back(fmt::format("Its cgroup {} is frozen.", *facts.frozen_in));
    return v;
  }
  if (main.state == 'T') {
    v.kind = verdict_kind::stopped;
    v.reasons.emplace_back("The process is stopped by a signal (state T).");
    return v;
  }
  return std::nullopt;
}

}  // namespace unwedge::policies
