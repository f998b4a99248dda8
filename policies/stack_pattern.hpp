// What to look for in one thread's stack: functions that call each other, with gaps between them. Signatures
// are made of these. Pure; all bounded, for a stack comes from a hostile process.
#pragma once

#include "policies/thread_role.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace unwedge::policies {

/// One function, under any of the names that it had over the years.
struct stack_element {
  std::vector<std::string> any_of;  ///< plain names
  bool if_named = false;  ///< static: only debug symbols give it a name, so that it may be missing without
};

struct stack_pattern {
  thread_role role = thread_role::unknown;  ///< unknown: any thread
  std::vector<stack_element> functions;     ///< innermost first; others may lie between them
  std::vector<std::string> without;         ///< plain names that must not be in the stack
};

/// A thread as patterns look at it. Views into the stacks that it was made of.
struct plain_stack {
  pid_t tid = 0;
  thread_role role = thread_role::unknown;
  std::vector<std::string_view> functions;  ///< plain names, innermost first; empty where there is none
  bool nameless = false;                    ///< some have none: a static function may be among them
};

inline constexpr std::size_t max_stack_threads = 1'024;
inline constexpr std::size_t max_stack_frames = 256;

/// The first threads of a process, and of each the innermost frames: no more than patterns look at.
std::vector<plain_stack> plain_stacks(const process_stacks&);

/// Fits and yet may be something else: one sentence each.
using doubt_list = std::vector<std::string>;

/// nullopt: the stack is another one.
std::optional<doubt_list> fits(const stack_pattern&, const plain_stack&);

}  // namespace unwedge::policies
