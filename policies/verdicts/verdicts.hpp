// The families of verdicts, a file each: what `judge` asks one after the other once a stall is old enough.
// They get a verdict with its times and fill in the rest. Pure.
#pragma once

#include "policies/judge.hpp"
#include "policies/wait_chain.hpp"
#include "policies/wait_roots.hpp"

#include <optional>
#include <string>

namespace unwedge::policies {

/// What keeps a whole process from running, whatever it was at: traced, frozen, stopped. nullopt: nothing.
std::optional<verdict> judge_state(const process_facts&, verdict);

/// The thread at the end of the chain runs, or reads and writes: main-loop-busy, host-starved. `at_work`: in
/// a sentence, as `progress` has it.
verdict judge_at_work(std::string at_work, const wait_chain&, samples_view samples, const judge_settings&,
                      verdict);

/// The thread at the end of the chain runs and gets nowhere: bql-held. `all`: of a long time, see `spins`.
verdict judge_spinning(samples_view all, const vm_model&, const wait_chain&, verdict);

/// The same wait in all samples, nothing at work: bql-held, main-loop-waits, lock-cycle, storage-wait; and
/// main-loop-busy where what it waits for goes on. nullopt: no wait is proven.
std::optional<verdict> judge_wait(samples_view samples, const vm_model&, const wait_chain&, verdict);

/// Who waits for whom, from the main thread on. `facts`: those that the chain is of.
void tell_chain(const process_facts& facts, const wait_chain&, verdict&);

/// What remedies need to know of the holder; nullopt: the main thread waits for no lock.
std::optional<lock_holder> holder_of(const process_facts& facts, const wait_chain&);

/// A thread that was woken and sleeps again in the same call has done something: a drain that goes on, though
/// slowly. One that waits for what never comes is not woken at all (measured on QEMU 7.2 and 10.0: not once
/// in seconds), but for a timer.
void doubt_if_woken(samples_view samples, const thread_facts& waiter, const vm_model&, verdict&);

}  // namespace unwedge::policies
