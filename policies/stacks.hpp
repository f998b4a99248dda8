// The stacks of all threads of a process, as unwedge-inspect took them. Plain values: daemon/inspection gets
// them, signatures are looked for in them, surfaces draw them. All text in here comes from a hostile process.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace unwedge::policies {

struct stack_frame {
  std::string function;             ///< empty: no symbol covers it (a static function of a stripped program)
  std::uint64_t offset = 0;         ///< from the function's begin, or without one from the module's
  std::string module;               ///< path of the program or library; empty: in no file
  std::uint64_t module_offset = 0;  ///< the address as the module's own file has it, for addr2line(1)
};

struct thread_stack {
  pid_t tid = 0;
  std::string comm;
  std::vector<stack_frame> frames;  ///< innermost first
  std::string unwind;               ///< "complete", "truncated", or a sentence: why there is no more
};

struct process_stacks {
  std::vector<thread_stack> threads;     ///< the main thread first
  std::chrono::microseconds stopped{0};  ///< all stops of single threads added up
  std::chrono::microseconds took{0};     ///< from the first stop to the end of the last
  std::vector<std::string> problems;     ///< what could not be had, one sentence each
};

}  // namespace unwedge::policies
