// Everything that a lease requires, looked at without stopping or touching anything; what must still hold at
// the last moment is compared again by the operation.
#pragma once

#include "daemon/evidence/process.hpp"
#include "daemon/rescue/c_library.hpp"
#include "daemon/rescue/checklist.hpp"
#include "daemon/rescue/holder_stack.hpp"
#include "daemon/rescue/mutex.hpp"
#include "daemon/rescue/thread_place.hpp"

#include <chrono>
#include <optional>
#include <vector>

namespace unwedge::rescue {

struct lease_request {
  pid_t holder = 0;                    ///< the thread that is to give the mutexes away
  std::vector<std::uint64_t> mutexes;  ///< in the order in which they are taken back; the BQL is the first
  std::chrono::milliseconds window{1'000};
  /// A node that is cut off in the window goes with its job, or the job with its end: no lease for a holder
  /// that walks the block graph.
  bool frees_graph = false;
};

struct held_mutex {
  std::uint64_t address = 0;
  mutex_words words;
};

/// What the operation needs and compares.
struct patient {
  thread_place place;  ///< of the holder, asleep in ppoll
  std::vector<held_mutex> mutexes;
  holder_stack stack;
  c_library library;
};

/// The number of calls in a chain: every unlock, the sleep, every lock.
std::size_t calls_for(std::span<const held_mutex> mutexes);

/// Notes every precondition in `list`; the patient if all hold. Blocks for as long as unwinding takes, some
/// 100 ms.
std::optional<patient> survey(const evidence::process& of, const lease_request& wanted, checklist& list);

}  // namespace unwedge::rescue
