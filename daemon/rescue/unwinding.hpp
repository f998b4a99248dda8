// The stack of a sleeping thread, unwound in a sandbox of its own: what is parsed is the target's, and
// hostile.
#pragma once

#include "daemon/inspect/capture.hpp"
#include "daemon/inspect/module_files.hpp"

#include <chrono>
#include <expected>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace unwedge::rescue {

/// Which of several suppositions about a thread led to a stack that is accepted, and to which.
struct unwound {
  std::size_t which = 0;
  inspect::thread_stack stack;
};

/// Whether to believe a stack; called in the sandbox, and once more outside of it. Pure.
using stack_test = std::function<bool(const inspect::thread_stack&)>;

/// Forks a process without rights and without descriptors but those of `modules`, which unwinds
/// `suppositions` as unwedge-inspect does, one after the other, until `accepts` one, and ends. If it accepts
/// none: the first. `modules` stay as they are. Error (a sentence): it crashed, was killed by its sandbox, or
/// was not done within `patience`. Blocks so long. For a process with one thread.
std::expected<unwound, std::string> unwind_in_sandbox(pid_t pid,
                                                      std::span<const inspect::captured_thread> suppositions,
                                                      std::span<inspect::module_file> modules,
                                                      const stack_test& accepts,
                                                      std::chrono::milliseconds patience);

/// A word in a stack, at its address.
struct stack_word {
  std::uint64_t address = 0, value = 0;
};

/// Where in the copy of the stack the return addresses of `frames` stand, from the second frame on: words
/// that are the same as long as nobody has returned. Pure. Error (a sentence): one is not there.
std::expected<std::vector<stack_word>, std::string> return_addresses(const inspect::thread_stack& frames,
                                                                     std::uint64_t stack_pointer,
                                                                     std::span<const std::byte> copy);

}  // namespace unwedge::rescue
