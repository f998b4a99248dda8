// Which connection belongs to a node whose server was given by name: QEMU resolved it, the kernel shows only
// the address. Pure; the watcher feeds it each sample of a process.
#pragma once

#include "policies/vm_model.hpp"

namespace unwedge::policies {

/// Gives nodes whose server has a host name ("store7:10809") the address of their connection as peer, where
/// that can be told: one such node, and one connection to that port that is no other node's. No name is
/// resolved: what a resolver says now need not be what it said to QEMU, and it may take its time.
void tell_named_peers(vm_model&, const process_facts&);

}  // namespace unwedge::policies
