// From an action's name to the command that it means here and now, or the reason why it is not for this VM.
// Pure; asked again at the last moment, with fresh evidence: only the same answer is acted on.
#pragma once

#include "policies/condition.hpp"
#include "policies/policy.hpp"
#include "policies/remedies/remedies.hpp"
#include "policies/vm_view.hpp"

namespace unwedge::policies {

/// The commands of one rung, one after the other (most have one), or why there is none.
plan resolve(action_kind, const condition&, const vm_view&);

/// The command that it sends, in whatever situation: to find a rung again in an incident's record.
std::string_view command_of(action_kind);

/// The step is done to the process, from outside, and not asked of QEMU.
bool acts_on_process(const step&);

/// The step cuts connections of the process, by unwedge-rescue: sever-root, rescue-root. It is no command of
/// QMP's either, though rescue-root sends some in its window (remedies/remedies.hpp).
bool cuts_from_outside(const step&);

/// The yank of the node that a job copies to, where losing it costs no more than the copy.
plan yank_target(std::string_view job, const vm_view&);

}  // namespace unwedge::policies
