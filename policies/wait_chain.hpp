// Who waits for whom, from the main thread to the thread at the end of the wait. Pure.
#pragma once

#include "policies/evidence.hpp"

#include <span>
#include <vector>

namespace unwedge::policies {

struct wait_chain {
  std::vector<const thread_facts*> threads;  ///< main first; each but the last waits for a mutex of the next
  bool cycle = false;                        ///< the last one waits for one that is in the chain already
  bool broken = false;                       ///< the last one waits for a mutex whose owner could not be read

  const thread_facts& end() const { return *threads.back(); }
};

/// Precondition: facts.threads is not empty. Views into `facts`.
wait_chain follow(const process_facts& facts);

/// The thread of this tid in a sample, or null.
const thread_facts* find_thread(const process_facts& facts, pid_t tid);

/// The same threads, mutexes and last system call: nothing moved between the two samples.
bool same_wait(const wait_chain& a, const wait_chain& b);

/// CPU time that a thread used between the first and the last sample, as a share of the time between them.
double cpu_share(std::span<const process_facts> samples, pid_t tid);

}  // namespace unwedge::policies
