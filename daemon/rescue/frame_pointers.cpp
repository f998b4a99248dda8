#include "daemon/rescue/frame_pointers.hpp"

#include <cstring>

namespace unwedge::rescue {

std::vector<std::uint64_t> possible_frame_pointers(std::uint64_t stack_pointer,
                                                   std::span<const std::byte> copy,
                                                   const inspect::memory_map& map) {
  std::vector<std::uint64_t> found;
  std::uint64_t saved = 0, back = 0;
  for (std::size_t at = 0; at + 16 <= copy.size() && found.size() < most_guesses; at += 8) {
    std::memcpy(&saved, copy.data() + at, sizeof saved);
    std::memcpy(&back, copy.data() + at + 8, sizeof back);
    if (saved <= stack_pointer + at || saved >= stack_pointer + copy.size() || saved % 8 != 0) continue;
    const auto* const code = map.at(back);
    if (code != nullptr && code->executable) found.push_back(stack_pointer + at);
  }
  return found;
}

}  // namespace unwedge::rescue
