// The plain values of a set of stacks: what the document says.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace unwedge::inspect {

inline constexpr std::size_t most_threads = 512;
inline constexpr std::size_t most_frames = 128;

struct frame {
  std::uint64_t pc = 0;
  std::optional<std::string>
      function;              ///< nullopt: no symbol covers it (a static function of a stripped program)
  std::uint64_t offset = 0;  ///< from the function's begin, or without one from the module's
  std::optional<std::string> module;  ///< path; nullopt: in no file, such as generated code
  std::uint64_t module_offset = 0;    ///< the address as the module's own file has it, for addr2line(1)
};

struct thread_stack {
  pid_t tid = 0;
  std::string comm;
  char state = '?';                     ///< before it was stopped
  std::chrono::nanoseconds stopped{0};  ///< at most so long it stood still for us
  std::vector<frame> frames;            ///< innermost first
  std::string unwind;                   ///< "complete", "truncated", or a sentence: why there is no more
};

}  // namespace unwedge::inspect
