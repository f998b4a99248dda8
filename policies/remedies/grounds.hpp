// What speaks against a remedy, whichever it is: the verdict, what is lost with a connection, what a
// migration would do over it. Each answer is one sentence, empty where nothing speaks against it. Pure.
#pragma once

#include "policies/remedy.hpp"
#include "policies/verdict.hpp"
#include "policies/vm_model.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace unwedge::policies {

plan no_remedy(std::string why);

/// All that the verdict says it waits for; views into it. Precondition: it has a root.
std::vector<const wait_root*> roots_of(const verdict&);

/// Only a hang is acted on, and only if it is certain what it waits for.
std::string against_acting_on(const verdict&);

/// What is behind the connection is lost: a copy can be made again, a disk that the guest runs on cannot. And
/// a migration must not complete over the copy.
std::string against_cutting_copy(const wait_root&, const vm_model&);

/// Safe only while the source is blocked in *sending* a part of the VM: bytes that it still holds cannot have
/// reached the destination, so the destination cannot have become the VM. Blocked in receiving, or in sending
/// what follows the state, it may have, and two VMs would run.
std::string against_cutting_stream(const verdict&, const vm_model&);

/// Cut off by nothing more than a yank or a shutdown, its job makes QEMU abort: an iothread polls the
/// connection, and the guest's disks have not left it yet for the switchover (qemu-facts 8.2).
bool job_in_iothread(const wait_root&, const vm_model&);

/// QEMU before 7.2, whose job in an iothread dies of whatever ends its connection (docs/rescue.md). Of a
/// version that is not known nothing is said here: unwedge-rescue tells it by the stack.
std::string against_cutting_in_old_qemu(const wait_root&, const vm_model&);

/// The pause before the switchover is still to come: a migration halts there, whatever became of its mirrors.
bool halts_before_switchover(const vm_model&);

bool on_unix_socket(const wait_root&);

}  // namespace unwedge::policies
