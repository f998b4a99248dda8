// The commands of the switchover guard, as plain steps. Their names and arguments are QMP's
// (qapi/migration.json, qapi/block-core.json). Pure.
#pragma once

#include "policies/remedy.hpp"

#include <string>

namespace unwedge::policies::guard {

/// events and pause-before-switchover on; or pause-before-switchover off again.
step set_capabilities(bool on);

step cancel_migration();

/// A soft cancel of a READY mirror: it concludes without error, source and target equal. Of one that is not
/// READY it would be an abort (qemu-facts section 3), which is why `choreography` asks for it in that state
/// only.
step conclude(std::string_view job);

/// Over the switchover: QEMU checks that it is still in pre-switchover.
step continue_migration();

}  // namespace unwedge::policies::guard
