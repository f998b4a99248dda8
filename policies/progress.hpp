// Whether a process that does not answer is at work: busy is not hung. Pure.
#pragma once

#include "policies/wait_chain.hpp"
#include "policies/wait_roots.hpp"

#include <optional>
#include <string>

namespace unwedge::policies {

/// A thread of the chain used more than `busy_share` of a CPU, or the thread at its end reads or writes files
/// and was woken meanwhile. In a sentence; nullopt: it is not at work.
std::optional<std::string> progress(samples_view samples, const wait_chain&, double busy_share);

/// The thread at the end of the chain runs, but the main thread has waited for the same lock of the same
/// owner in all samples and was not woken once, and the process read and wrote nothing: whoever holds the
/// lock has not let go of it for a moment. For samples over a long time only.
bool spins(samples_view all, const wait_chain&, double busy_share);

/// The waiter sleeps in a nested poll and is woken all the time while the process reads and writes: what it
/// waits for goes on, slowly.
bool drains(samples_view samples, const thread_facts& waiter);

/// How much of the time between the samples a thread could have run and got no CPU; 0 to 1.
double starved_share(samples_view samples, pid_t tid);

/// A thread that would do the work that is waited for (not the waiter, no vCPU, not the monitors') and got no
/// CPU for a fifth of the time: the host is slow, not the process hung. Null: there is none.
const thread_facts* starving_worker(samples_view samples, const thread_facts& waiter);

/// Bytes that the process has passed to read and write calls between the first and the last sample.
std::uint64_t bytes_moved(samples_view samples);

/// So few bytes were read and written that all of them may be of probes, ours and others': each makes QEMU
/// write to its eventfds and read from them (2 KiB a second with three monitors, docs/qemu.md).
bool only_notifications(samples_view samples);

}  // namespace unwedge::policies
