// Processes in situations of the test's choice, with stacks whose names are known.
#pragma once

#include "tests/unit/evidence/child.hpp"

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <span>

namespace unwedge::inspect {

using evidence::child;

inline constexpr std::size_t most_counters = 256;

/// Memory that a child shares with the test: which threads it has, what they have counted.
struct shared {
  std::array<std::atomic<pid_t>, most_counters> tids;
  std::array<std::atomic<std::uint64_t>, most_counters> counters;
  std::atomic<std::uint64_t> signals;
  std::atomic<std::uint64_t> ready;

  /// Lives until the test program ends.
  static shared& create();
};

// The places where a thread of a child can be; each is in a stack by this name.
extern "C" {
[[noreturn]] void sits_in_poll();
[[noreturn]] void sits_in_futex();
[[noreturn]] void sits_in_nanosleep();
[[noreturn]] void sits_in_read();
[[noreturn]] void sits_in_a_loop();
[[noreturn]] void sits_deep();
/// Its stack pointer is 16, for good.
[[noreturn]] void sits_without_a_stack();
}

/// Starts one thread for each place; their ids in `out`, in order. For a child.
void start_threads(std::span<void (*const)()> places, shared& out);

/// Starts `count` threads that each count as they wake up from short sleeps, polls and work.
void start_counting(std::size_t count, shared& out);

/// Waits until the child has started its threads, `spinning` of them spin and all others sleep.
bool settled(const child& c, const shared& in, std::size_t threads, std::size_t spinning = 0);

/// Whether a thread runs and has used some CPU: it has come to where it is to spin.
bool spins(pid_t pid, pid_t tid);

}  // namespace unwedge::inspect
