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
conditions monitor_stalled(const vm_view&);
conditions mirror_stalled(const vm_view&);
conditions mirror_at_switchover(const vm_view&);
conditions migration_no_progress(const vm_view&);
conditions switchover_overdue(const vm_view&);
conditions job_stuck(const vm_view&);
conditions guest_io_stall(const vm_view&);
conditions process_gone(const vm_view&);
}  // namespace holds

/// Everything that holds now, whatever the patience.
conditions hold_now(const vm_view&);

}  // namespace unwedge::policies
