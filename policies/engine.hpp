// The policy engine of one VM: condition -> patience -> ladder -> verify. A pure state machine: given what
// holds now it says what to do; the watcher does it and comes back with the result. No clock, no I/O, no log.
#pragma once

#include "policies/remedy.hpp"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace unwedge::policies {

/// What holds at one instant.
struct observation {
  instant now;
  bool alive = true;       ///< the process has not ended
  bool responsive = true;  ///< the main loop answered, or nothing is overdue
  std::optional<policies::verdict> verdict;
};

/// The frame that the operator set.
struct engine_settings {
  authority allowed = authority::observe;
  bool dry_run = false;
};

struct open_incident {
  policies::verdict verdict;
  std::string condition;
};
struct amend_verdict {
  policies::verdict verdict;
};
struct take_step {
  std::size_t index;
  policies::step step;
};
/// A step that is on record without having been taken: why is in `result` ("observed", "dry-run", "refused:
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
  std::string outcome;
};
using decision = std::variant<open_incident, amend_verdict, take_step, record_step, add_note, close_incident>;

enum class step_outcome {
  done,     ///< QEMU took the command
  failed,   ///< it was sent, and refused or not answered: nobody knows what it did
  refused,  ///< it was not sent: at the last look its ground was gone
};

class engine {
 public:
  /// Decisions in the order in which they must be carried out. The same observation twice gives nothing new.
  std::vector<decision> step(const observation&, const vm_model&, const engine_settings&);

  /// The outcome of a take_step. Until it is told no further step is taken.
  void step_done(step_outcome outcome, instant now);

  /// Takes up an incident of an earlier run with `on_record` steps, `taken` of which were begun: none is done
  /// again.
  void resume(std::size_t taken, std::size_t on_record);

  bool incident_open() const { return state_ != state::idle; }
  /// True while a step is under way.
  bool acting() const { return state_ == state::acting; }

 private:
  enum class state { idle, watching, acting, verifying, exhausted };

  void open(const observation&, std::vector<decision>&);
  void consider(const observation&, const vm_model&, const engine_settings&, std::vector<decision>&);
  void refuse(const policies::step&, std::string result, std::string outcome, std::vector<decision>&);
  void close(std::string outcome, std::vector<decision>&);
  std::string outcome_when_cleared() const;

  state state_ = state::idle;
  std::string finding_;  ///< of the verdict on record: its kind and root
  std::string outcome_if_cleared_;
  std::string why_not_;
  std::size_t next_ = 0;  ///< index of the next step on record
  std::size_t steps_taken_ = 0;
  int refusals_ = 0;
  duration verify_within_{};
  instant verify_until_{};
  bool ended_ = false;  ///< the process's end is on record
};

}  // namespace unwedge::policies
