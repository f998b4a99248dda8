#include "daemon/rescue/room_check.hpp"

#include <fmt/format.h>

namespace unwedge::rescue {

finding judge_room(const inspect::memory_map& map, std::uint64_t stack_pointer, std::uint64_t lowest) {
  const auto answer = [](bool ok, std::string sentence) {
    return finding{.name = "stack-room", .ok = ok, .sentence = std::move(sentence)};
  };
  const auto* const stack = map.at(stack_pointer);
  if (stack == nullptr) return answer(false, "its stack pointer leads to no memory");
  if (!stack->writable || stack->shared || stack->inode != 0)
    return answer(false,
                  "what its stack pointer leads to is no stack: not private, anonymous, writable memory");
  if (lowest >= stack_pointer || lowest < stack->begin || lowest - stack->begin < stack_margin)
    return answer(false, fmt::format("{} KiB are left below its stack pointer, {} are needed",
                                     (stack_pointer - stack->begin) / 1024,
                                     (stack_pointer - lowest + stack_margin) / 1024));
  return answer(true, fmt::format("{} KiB of stack below its stack pointer, {} are needed",
                                  (stack_pointer - stack->begin) / 1024,
                                  (stack_pointer - lowest + stack_margin) / 1024));
}

}  // namespace unwedge::rescue
