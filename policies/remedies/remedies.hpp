// What brings a hung VM back, one remedy a function: the step that it is here and now, or why it is none.
// What speaks against all of them is in grounds.hpp, the table in docs/policies.md. Pure; asked again at the
// last moment, with fresh evidence, and only the same step is taken: what is in a step's arguments is what
// stays as it is for as long as the hang does.
#pragma once

#include "policies/remedy.hpp"
#include "policies/verdict.hpp"
#include "policies/vm_model.hpp"

namespace unwedge::policies {

/// QMP's own, out of band: {"instances": [{"type": "block-node", "node-name": NAME}, ...]}, or of the
/// migration. All dead nodes in one command.
plan yank_root(const verdict&, const vm_model&);

/// The connections are shut down from outside (unwedge-rescue sever), one after the other:
///   {"nodes": [NAME, ...], "connections": [{"fd": N, "inode": I, "peer": TEXT}, ...]}
/// or, of the migration stream, {"migration": true, "connections": [one]}. In order of fd; all of them or it
/// is no remedy. Nothing is asked of QEMU, so it is one where a yank is not to be had, or did not help.
plan sever_root(const verdict&, const vm_model&);

/// The BQL is lent away (unwedge-rescue lease), and in the window the copies are cut off:
///   {"holder": TID, "mutexes": ["0x...", ...], "cancel_migration": BOOL, "frees_graph": BOOL,
///    "nodes": [NAME, ...],
///    "cut": {"yank": [INSTANCE, ...], "sever": [CONNECTION, ...]}, "jobs": [ID, ...]}
/// `mutexes`: the BQL first, then all that the holder has besides and others wait for. INSTANCE as in QMP's
/// yank, CONNECTION as above. `frees_graph`: a node goes with its job, as drive-mirror's does, or the job
/// itself is gone with its end (auto-dismiss); unwedge-rescue gives no lease to a holder that walks the block
/// graph then. A migration must not complete over the copy
/// that is cut off: it is cancelled before where QEMU heeds that, else yanked with it. In the window, in this
/// order:
///   1. if `cancel_migration`: migrate_cancel, in band. It has to be accepted: else nothing is cut;
///   2. `cut.yank`, if there is one; it has to be accepted, else nothing is severed;
///   3. `cut.sever`, if there is one;
///   4. wait until each of `jobs` is `aborting`, `concluded` or no more (never: paused), or the window is
///      over.
/// Needs authority rescue.
plan rescue_root(const verdict&, const vm_model&);

/// How a lease keeps the migration from completing over the copy that is cut off.
enum class migration_fence { none, yank, cancel };

/// Asked in the window, where QEMU has just told again of its migration and of what that may do: why nothing
/// must be cut with the fence that was planned; empty: it may.
std::string against_fence(migration_fence planned, const vm_model&);

/// Why this node cannot be yanked, whatever that would do; empty: it can.
std::string against_yanking_node(const wait_root&, const vm_model&);

/// Why a connection of this root cannot be shut down from outside; empty: it can.
std::string against_severing(const wait_root&);
/// Each root's, in order of fd. Precondition: nothing against severing them.
boost::json::array connections_of(const std::vector<const wait_root*>& roots);

boost::json::object yank_instance(const wait_root& node);
/// Sorted.
boost::json::array node_names(const std::vector<const wait_root*>& roots);

}  // namespace unwedge::policies
