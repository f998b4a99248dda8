#include "policies/stack_pattern.hpp"

#include "policies/symbol_name.hpp"

#include <algorithm>

namespace unwedge::policies {
namespace {

bool is_one_of(std::string_view function, const std::vector<std::string>& names) {
  return !function.empty() && std::ranges::find(names, function) != names.end();
}

/// Each element at the first place that is left for it: with gaps allowed, that leaves the most to the
/// others. `all`: those that only debug symbols name, too.
bool in_order(const stack_pattern& pattern, const plain_stack& stack, bool all) {
  auto at = stack.functions.begin();
  for (const auto& element : pattern.functions) {
    if (element.if_named && !all) continue;
    at = std::find_if(at, stack.functions.end(),
                      [&](std::string_view f) { return is_one_of(f, element.any_of); });
    if (at == stack.functions.end()) return false;
    ++at;
  }
  return true;
}

}  // namespace

std::vector<plain_stack> plain_stacks(const process_stacks& stacks) {
  std::vector<plain_stack> out;
  const auto count = std::min(stacks.threads.size(), max_stack_threads);
  out.reserve(count);
  for (const auto& thread : std::span{stacks.threads}.first(count)) {
    plain_stack plain{.tid = thread.tid, .role = role_of(thread, stacks.threads.front())};
    const auto depth = std::min(thread.frames.size(), max_stack_frames);
    plain.functions.reserve(depth);
    for (const auto& frame : std::span{thread.frames}.first(depth)) {
      plain.functions.push_back(plain_name(frame.function));
      plain.nameless |= plain.functions.back().empty();
    }
    out.push_back(std::move(plain));
  }
  return out;
}

std::optional<doubt_list> fits(const stack_pattern& pattern, const plain_stack& stack) {
  const bool any_role = pattern.role == thread_role::unknown;
  const bool told = stack.role != thread_role::unknown;
  if (!any_role && stack.role != pattern.role && (told || pattern.role == thread_role::main))
    return std::nullopt;
  const auto unwanted = [&](std::string_view f) { return is_one_of(f, pattern.without); };
  if (std::ranges::any_of(stack.functions, unwanted)) return std::nullopt;
  if (!in_order(pattern, stack, false)) return std::nullopt;
  doubt_list out;
  if (!any_role && !told) {
    out.push_back("Nothing tells that thread " + std::to_string(stack.tid) + " is of the kind " +
                  std::string(to_string(pattern.role)) + ".");
  }
  if (!stack.nameless && !in_order(pattern, stack, true)) {
    out.push_back("Thread " + std::to_string(stack.tid) +
                  " has a name for each of its functions, but some that belong here are not among them.");
  }
  return out;
}

}  // namespace unwedge::policies
