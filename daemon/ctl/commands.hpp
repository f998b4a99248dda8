// What each command of unwedgectl does: ask the daemon, print, say how it went.
#pragma once

#include "daemon/ctl/options.hpp"

namespace unwedge::ctl {

/// Runs the command; results go to standard output, errors to standard error as one line.
exit_status run(const options& chosen);

/// `unwedgectl incident ID --bundle FILE`: a file that is whole, or none.
exit_status bundle_incident(const options& chosen);

/// `unwedgectl hold` and `unwedgectl release`: of a VM, or of the whole host.
exit_status hold(const options& chosen);
exit_status release(const options& chosen);

/// `unwedgectl inspect`: a fresh look at a VM's process, with --stacks also at its threads' stacks.
exit_status inspect(const options& chosen);

/// `unwedgectl act`: says what it would mean, then what came of it; refused and failed are exit_failed.
exit_status act(const options& chosen);

/// `unwedgectl check`: needs no daemon. A faulty configuration or policy is exit_usage, as `unwedged --check`
/// has it.
exit_status check(const options& chosen);

/// `unwedgectl events --follow`: returns at SIGINT or SIGTERM (done), or when the daemon goes away (failed).
exit_status follow(const options& chosen);

}  // namespace unwedge::ctl
