// The stack of a thread that sleeps in ppoll: copied without stopping it, unwound, judged.
#pragma once

#include "daemon/inspect/module_files.hpp"
#include "daemon/inspect/thread_look.hpp"
#include "daemon/rescue/thread_place.hpp"
#include "daemon/rescue/unwinding.hpp"

#include <expected>
#include <span>
#include <string>
#include <vector>

namespace unwedge::rescue {

struct holder_stack {
  std::string sentence;             ///< what it shows
  bool walks_graph = false;         ///< a lease may cost the VM (nested_poll.hpp)
  std::vector<stack_word> returns;  ///< its return addresses, to be compared later
  std::uint64_t frame_pointer =
      0;  ///< that it was supposed to have, to be compared later; 0: it did not matter
};

/// What is known of the thread and its process.
struct sleeping_thread {
  pid_t tid = 0;
  const inspect::thread_look& look;
  const thread_place& place;
  const inspect::memory_map& map;
  std::string_view libc;  ///< its path
};

/// Error (a sentence): it is no nested poll, cannot be unwound to its end, or the thread moved meanwhile.
/// Blocks as unwind_in_sandbox does.
std::expected<holder_stack, std::string> read_holder_stack(const evidence::process& of,
                                                           const sleeping_thread& thread,
                                                           std::span<inspect::module_file> modules);

}  // namespace unwedge::rescue
