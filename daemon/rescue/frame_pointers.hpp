// Where a thread's frame pointer may point, told from its stack alone. In programs that are compiled with
// frame pointers the stack can only be unwound with the value of that register, and nothing shows it without
// a stop: so it is guessed, and at the stop the guess must be what the register holds. Pure.
#pragma once

#include "daemon/inspect/memory_map.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace unwedge::rescue {

inline constexpr std::size_t most_guesses = 32;

/// Addresses in `copy`, the stack from `stack_pointer` on, at which a frame pointer would be saved: a word
/// that points further up the same stack, behind it an address in code. From the innermost on.
std::vector<std::uint64_t> possible_frame_pointers(std::uint64_t stack_pointer,
                                                   std::span<const std::byte> copy,
                                                   const inspect::memory_map& map);

}  // namespace unwedge::rescue
