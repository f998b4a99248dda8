// The signals that a thread has blocked while it runs a chain. Pure.
#pragma once

#include <csignal>
#include <cstdint>

namespace unwedge::rescue {

/// `mask` with everything blocked but what only the thread's own instructions raise: a blocked one of those
/// would end the process.
constexpr std::uint64_t quiet(std::uint64_t mask) {
  std::uint64_t own = 0;
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS})
    own |= std::uint64_t{1} << (signal - 1);
  return ~own | mask;
}

}  // namespace unwedge::rescue
