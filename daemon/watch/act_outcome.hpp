// What came of something that was done to a VM, by a command of QMP or from outside. Plain.
#pragma once

#include "daemon/rescuing/failure.hpp"

#include <functional>
#include <string>
#include <vector>

namespace unwedge::watch {

struct act_outcome {
  std::string result;  ///< "done"; "failed: ..."; "refused: ...": nothing was done, and it may be another
                       ///< situation in a moment
  std::vector<std::string> notes = {};  ///< what was done, one sentence each, for the record
  bool touched = false;                 ///< though it failed, something was done to the VM, or may have been
};

/// It may have helped. A lease that was taken back before anything was cut was not.
bool was_tried(const act_outcome&);

/// Why it may not be done any more: a hold, an authority that was taken away. Empty: it may.
using rescue_ban = std::function<std::string()>;

/// Refused where a fresh look may find the situation that it is for.
act_outcome failed(const rescuing::failure&);
act_outcome refused(std::string why);

/// "nested-poll: ...; nothing was done": why an order was not carried out.
std::string in_words(const rescuing::failure&);

}  // namespace unwedge::watch
