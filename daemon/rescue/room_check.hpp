// Whether a thread's stack has room below its stack pointer for the chain. Pure.
#pragma once

#include "daemon/inspect/memory_map.hpp"
#include "daemon/rescue/checklist.hpp"

#include <cstdint>

namespace unwedge::rescue {

/// Below the frames: for the stacks of the functions that are called, and of a signal's handler before them.
inline constexpr std::uint64_t stack_margin = 65'536;

/// From `lowest` to `stack_pointer`, and `stack_margin` more below it, must lie in one private, writable
/// mapping with no file behind it.
finding judge_room(const inspect::memory_map& map, std::uint64_t stack_pointer, std::uint64_t lowest);

}  // namespace unwedge::rescue
