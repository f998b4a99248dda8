// A condition: a named predicate over a VM's state that has held since some time. What can hold is in
// policies/conditions/, one function a file; policies (policy.hpp) say what is done about it.
#pragma once

#include "policies/evidence.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace unwedge::policies {

enum class condition_kind {
  monitor_stalled,        ///< the main loop does not answer, and the evidence makes a verdict
  mirror_stalled,         ///< a job does not progress, and the connection of its target is silent
  mirror_at_switchover,   ///< a migration runs beside a mirror that is not safely done
  migration_no_progress,  ///< a migration iterates without getting nearer to its end
  switchover_overdue,     ///< the guest stands still for a switchover that does not come
  job_stuck,              ///< pending, concluded and not dismissed, aborting, or paused by an I/O error
  guest_io_stall,         ///< the guest's disk has requests in flight and moves nothing, while QMP answers
  process_gone,           ///< the QEMU process has ended, and no shutdown announced it
};

std::string_view to_string(condition_kind);
std::optional<condition_kind> parse_condition(std::string_view);
/// All names, in the order above, for suggestions and help.
std::vector<std::string_view> condition_names();

/// One that holds now.
struct condition {
  condition_kind kind;
  std::string subject;  ///< what of the VM: a job's id, a node's name; empty: the VM itself
  std::string state;    ///< which variant: "pending", "not-ready"; empty where there is one only
  instant since{};      ///< holds since then
  std::string why;      ///< one sentence, for people

  bool operator==(const condition&) const = default;
};

}  // namespace unwedge::policies
