// A host's VMs as the daemon has modelled them, and how often it looks at each kind. Made from literals; time
// is an argument. For policy_bench.
#pragma once

#include "policies/engine.hpp"

#include <string>
#include <vector>

namespace unwedge::bench {

enum class vm_kind {
  idle,       ///< came by migration, as most VMs of a host that is drained now and then; nothing runs
  mirroring,  ///< two disks are copied to one NBD server, which owes an answer whenever one looks
  stuck,      ///< the same, and its server has been dead for a minute
  migrating,  ///< as mirroring, beside a migration that the guard holds back and that gets no nearer to its
              ///< end
};

/// Calls of vm_watcher::decide in a minute. Counted on unwedged with QEMU 7.2 (breakpoints in gdb): 11.1 a
/// second while a mirror runs, 19.9 while a migration runs beside it; events, of which there were none, come
/// on top.
int looks_a_minute(vm_kind);

struct modelled_vm {
  vm_kind kind{};
  std::string name;
  policies::authority
      allowed{};  ///< half of them are acted on, of the others it is recorded what would be done
  policies::vm_model model;
  policies::io_health io;
  policies::engine engine;
};

modelled_vm make_vm(vm_kind, std::size_t index, policies::instant now);

/// What replies and samples tell after a second: jobs and connections have moved, if they do.
void live_on(modelled_vm&, policies::instant now);

/// What the watcher does with decisions, as far as it comes back to engine and model: each step succeeds at
/// once.
void carry_out(modelled_vm&, const std::vector<policies::decision>&, policies::instant now,
               policies::step_budget& of_host);

}  // namespace unwedge::bench
