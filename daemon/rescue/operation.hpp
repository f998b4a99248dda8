// The two moments in which a lease touches the holder: the one in which it begins, and the one that ends it
// early. Each stops the thread for microseconds; everything between and after runs without us.
#pragma once

#include "daemon/rescue/frames_x86_64.hpp"
#include "daemon/rescue/held_thread.hpp"
#include "daemon/rescue/survey.hpp"

#include <chrono>
#include <expected>

namespace unwedge::rescue {

/// A lease that has begun.
struct grant {
  pid_t holder = 0;
  std::vector<held_mutex> locks;  ///< that it gave away, as they were before
  x86_64::room at;                ///< in the holder's stack
  std::uint64_t sleeping_sp = 0;  ///< its stack pointer while it sleeps
  stop_times times;
  std::chrono::steady_clock::time_point began;
};

/// Stops the holder, compares what must still be as `as_seen`, writes the chain and lets go. Error: the
/// precondition that did not hold, the thread then runs on untouched. Allocates nothing while it stands
/// still.
std::expected<grant, finding> begin_lease(const evidence::process& of, const lease_request& wanted,
                                          const patient& as_seen);

/// How an early end came out.
struct early_end {
  bool woken = false;  ///< false: it no longer slept, nothing was done
  stop_times times;
  std::string sentence;
};

/// Stops the holder again, in its sleep and without the locks, and lets that sleep be over. Writes no memory.
early_end end_lease(const evidence::process& of, const grant& lease);

}  // namespace unwedge::rescue
