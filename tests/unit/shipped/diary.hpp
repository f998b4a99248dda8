// What was decided and what happened in a simulation, one line each with its second. A story is what tests
// compare; the transcript has everything besides, for the message of a test that fails.
#pragma once

#include "policies/decision.hpp"

#include <string>
#include <vector>

namespace unwedge::policies::fake {

class diary {
 public:
  /// "30.3 take dead-mirror/m0: yank tgt"
  void tell(instant now, const std::string& line);
  void remark(instant now, const std::string& line);

  const std::vector<std::string>& story() const { return story_; }
  std::string transcript() const;

 private:
  std::vector<std::string> story_, transcript_;
};

/// "yank tgt", "sever tgt", "lease: cancel, yank tgt", "lease: yank migration, sever tgt", "brake on", "brake
/// off", "pause-before-switchover on", "block-job-cancel m0", "migrate_cancel"
std::string in_short(const step&);

}  // namespace unwedge::policies::fake
