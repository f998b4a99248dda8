// All conditions, one pure function each, in the file of its name. Each gives one entry for everything of the
// VM that it holds for, with since when and why; an empty result costs next to nothing. To add one: its name
// in policies/condition.hpp, its function here and in `all`, its table of cases in tests/unit/policies/.
#pragma once

#include "policies/condition.hpp"
#include "policies/vm_view.hpp"

#include <array>

namespace unwedge::policies {

using conditions = std::vector<condition>;

namespace holds {
void monitor_stalled(const vm_view&, conditions& out);
void mirror_stalled(const vm_view&, conditions& out);
void mirror_at_switchover(const vm_view&, conditions& out);
void migration_no_progress(const vm_view&, conditions& out);
void switchover_overdue(const vm_view&, conditions& out);
void job_stuck(const vm_view&, conditions& out);
void guest_io_stall(const vm_view&, conditions& out);
void process_gone(const vm_view&, conditions& out);
}  // namespace holds

/// In a sentence, for people: made when somebody asks, not at each look. Empty if it does not hold any more.
namespace why_holds {
std::string monitor_stalled(const condition&, const vm_view&);
std::string mirror_stalled(const condition&, const vm_view&);
std::string mirror_at_switchover(const condition&, const vm_view&);
std::string migration_no_progress(const condition&, const vm_view&);
std::string switchover_overdue(const condition&, const vm_view&);
std::string job_stuck(const condition&, const vm_view&);
std::string guest_io_stall(const condition&, const vm_view&);
std::string process_gone(const condition&, const vm_view&);
}  // namespace why_holds

/// Everything that holds now, whatever the patience.
void hold_now(const vm_view&, conditions& out);

/// The sentence of one that holds.
std::string why(const condition&, const vm_view&);

}  // namespace unwedge::policies
