// One sample of a process: everything that can be learned about why it waits, from outside, without stopping
// it.
#pragma once

#include "daemon/evidence/process.hpp"
#include "policies/evidence.hpp"

#include <chrono>
#include <optional>

namespace unwedge::evidence {

/// Gathers the facts of `of`. Never throws for anything the process does, stops nothing (no ptrace(2)), acts
/// on nothing. What the kernel refuses or a limit cuts is in `missing`, at most 16 sentences; a process that
/// has ended, also in the middle of it, gives `alive` false and nothing else. `now` is copied into the
/// result.
///
/// Call it on a worker thread: about 0.8 ms for twenty threads (`./dev bench sample`), bounded by 4,096
/// threads, 65,536 descriptors and 256 sockets; but the kernel may make the caller wait for the target's
/// memory lock (target_memory.hpp), so have at most one call a process under way and give up the thread, not
/// the daemon, if it does not return. Calls for different processes may run at the same time. The facts of
/// one sample are not of one instant: threads are read one after the other, so a verdict needs several
/// samples. Rights: those of ptrace(2) PTRACE_MODE_ATTACH.
policies::process_facts sample(const process& of, std::chrono::steady_clock::time_point now);

/// The main thread alone, without what it waits for: about 40 us. nullopt: the process has ended, or its
/// files cannot be read. Blocks as sample() does.
std::optional<policies::thread_facts> sample_main_thread(const process& of);

}  // namespace unwedge::evidence
