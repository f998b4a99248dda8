// The record of one condition from onset to end. daemon/incident keeps it on disk as JSON lines; surfaces
// show it.
#pragma once

#include <boost/json.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace unwedge::policies {

using wall_time = std::chrono::system_clock::time_point;

/// One rung of a ladder as it was taken, or would have been.
struct incident_step {
  wall_time at{};
  std::string action;  ///< "yank"
  boost::json::object arguments;
  std::string authority;     ///< what it needs
  boost::json::object undo;  ///< the arguments that take it back; empty: nothing does
  std::string result;        ///< "", while under way: its intent is on record, its outcome not yet;
                             ///< done | failed: WHY | refused: WHY | observed | dry-run
  std::chrono::milliseconds took{0};
};

/// What a reader should know besides the steps: why nothing was done, how the VM stood at the end.
struct incident_note {
  wall_time at{};
  std::string text;
};

struct incident {
  std::string id;  ///< "web01-20261122-215012", also the folder's name
  std::string vm;
  pid_t pid = 0;
  std::uint64_t started = 0;  ///< the process's start time (proc(5) starttime): with pid, its identity
  std::string condition;      ///< its name (condition.hpp)
  std::string policy;         ///< whose incident it is
  std::string subject;        ///< what of the VM: a job's id; empty: the VM itself
  std::string why;            ///< the condition in one sentence, as it was at the onset
  wall_time opened{};
  std::optional<wall_time> closed;
  std::string outcome = "open";  ///< recovered | resolved-itself | failed | observed | dry-run | open
  boost::json::value verdict;    ///< as in the contract: {kind, root, holder, since, at, sentence, reasons}
  std::vector<incident_step> steps;
  std::vector<incident_note> notes;
};

}  // namespace unwedge::policies
