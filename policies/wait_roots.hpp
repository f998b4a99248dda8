// What the thread at the end of a wait waits for: a block node, the migration stream, a chardev, a file,
// nothing known. The second half of a verdict; judge is the first. Pure.
#pragma once

#include "policies/verdict.hpp"
#include "policies/vm_model.hpp"

#include <span>

namespace unwedge::policies {

/// `samples` cover the time in which nothing moved.
using samples_view = std::span<const process_facts>;

/// "live_migration (tid 123)", for reasons.
std::string label(const thread_facts&);

/// The waiter sleeps in a call on one descriptor (waiter.io_fd). Adds root, reasons and what is certain to
/// `v`; of a file it makes it a storage-wait.
void find_blocking_root(samples_view samples, const thread_facts& waiter, const vm_model&, verdict& v);

/// The waiter sleeps in a nested poll. It may wait for a connection that it polls, for one that an iothread
/// polls, or for a file that a worker is blocked on.
void find_polled_root(samples_view samples, const thread_facts& waiter, const vm_model&, verdict& v);

/// The waiter sleeps in neither: it is parked somewhere.
void find_parked_root(const process_facts&, const thread_facts& waiter, verdict& v);

/// The holder runs and gets nowhere: what it retries on, if a chardev's peer does not read, else itself.
void find_spinning_root(samples_view samples, const thread_facts& holder, const vm_model&, verdict& v);

}  // namespace unwedge::policies
