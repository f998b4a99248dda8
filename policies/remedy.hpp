// One rung as the step that it is here and now, and a plan of them or why there is none. Plain values; which
// remedy a verdict calls for is in remedies/.
#pragma once

#include "policies/evidence.hpp"
#include "policies/settings.hpp"

#include <boost/json.hpp>

#include <string>
#include <vector>

namespace unwedge::policies {

/// One rung of a ladder. Idempotent: done twice it does no more than once.
struct step {
  std::string action;             ///< a command of QMP's such as "yank", or the action's name
  boost::json::object arguments;  ///< as recorded and as sent
  authority needs = authority::protect;
  duration verify_within =
      std::chrono::seconds(2);  ///< the condition must have cleared by then, else the next rung
  boost::json::object undo;     ///< the arguments that take it back; empty: nothing does, or nothing need
  bool urgent = false;  ///< cannot wait until its intent is on disk, and does no harm if it never gets there

  bool operator==(const step&) const = default;
};

/// A ladder, or the reason why there is none.
struct plan {
  std::vector<step> ladder;
  std::string why_not;  ///< one sentence; empty if there is a ladder
};

}  // namespace unwedge::policies
