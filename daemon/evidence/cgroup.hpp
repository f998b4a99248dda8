// Whether a process stands still because somebody froze its cgroup (cgroups(7), the freezer of either
// version).
#pragma once

#include "daemon/evidence/process.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace unwedge::evidence {

/// A thread in this state, sleeping in this kernel function, may be frozen: D under version 1, in whatever
/// function it slept before; under version 2 S, in the handling of a signal. Pure, so that the files below
/// need be read of such a process only.
bool may_be_frozen(char state, std::string_view wchan);

/// The path of its cgroup if that is frozen, or an ancestor of it; printable. nullopt: it is not, or what the
/// kernel says of it cannot be read. Does not block.
std::optional<std::string> frozen_cgroup(const process& of);

}  // namespace unwedge::evidence
