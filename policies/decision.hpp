// What the engine wants done, in order. The watcher carries it out and comes back with the outcome of steps.
#pragma once

#include "policies/condition.hpp"
#include "policies/remedy.hpp"
#include "policies/verdict.hpp"

#include <optional>
#include <string>
#include <variant>

namespace unwedge::policies {

struct open_incident {
  std::string policy;
  policies::condition condition;
  std::optional<policies::verdict> verdict;
};
struct amend_verdict {
  policies::verdict verdict;
};
struct take_step {
  std::size_t index;
  policies::step step;
};
/// A step that is on record without having been taken: why is in `result` ("observed", "dry-run", "held:
/// ...").
struct record_step {
  std::size_t index;
  policies::step step;
  std::string result;
};
struct add_note {
  std::string text;
};
struct close_incident {
  std::string outcome;  ///< recovered | resolved-itself | failed | observed | dry-run
};
/// A setting of QEMU's that guards in advance: no incident, nothing is wrong yet.
struct set_precaution {
  policies::step step;
  std::string why;
};

/// `run` says which incident it belongs to: one of each policy and subject can be open at once on a VM. Empty
/// for a precaution.
struct decision {
  std::string run;
  std::variant<open_incident, amend_verdict, take_step, record_step, add_note, close_incident, set_precaution>
      what;
};

enum class step_outcome {
  done,            ///< QEMU took the command
  failed,          ///< it was sent, and refused or not answered: nobody knows what it did
  failed_touched,  ///< likewise, but the VM was touched: if its condition clears in time, it was by the step
  refused,         ///< it was not sent: at the last look its ground was gone
};

/// An incident of an earlier run of the daemon, as far as its run must know to go on.
struct record {
  std::vector<step> begun;    ///< steps that were begun, whatever came of them
  std::vector<step> unknown;  ///< those among them whose outcome is not on record
  std::size_t on_record = 0;  ///< all steps, taken or not
};

}  // namespace unwedge::policies
