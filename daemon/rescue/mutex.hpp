// A pthread mutex of glibc in another process, as far as a lease must understand it. The judgement is pure.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace unwedge::rescue {

/// The head of glibc's struct __pthread_mutex_s, the same on x86-64 and aarch64, since 2.1 to this day.
struct mutex_words {
  std::int32_t lock = 0;    ///< 0 free, 1 held, 2 held and somebody waits
  std::uint32_t count = 0;  ///< of a recursive one: how often its owner has locked it
  std::int32_t owner = 0;   ///< tid, as the process itself numbers it
  std::uint32_t users = 0;
  std::int32_t kind =
      0;  ///< 0 plain, 1 recursive; anything else is robust, error checking, elided, shared...

  bool operator==(const mutex_words&) const = default;
};

inline constexpr std::uint32_t most_recursion = 6;

/// Why a lease cannot give this mutex away for the thread `owner` (its own number for itself); empty: it can.
std::string forbids_lease(const mutex_words&, pid_t owner);

/// How often it has to be unlocked, and locked again.
std::uint32_t depth(const mutex_words&);

/// nullopt: not readable, errno says why.
std::optional<mutex_words> read_mutex(pid_t pid, std::uint64_t address);

}  // namespace unwedge::rescue
