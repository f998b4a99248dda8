// ppoll(2) by way of libc, with known values in the registers across it.
#pragma once

#include <poll.h>
#include <signal.h>

#include <array>
#include <cstdint>
#include <ctime>

namespace unwedge::rescue {

struct register_values {
  alignas(64) std::array<std::array<std::uint64_t, 8>, 32> vectors{};  ///< zmm0 to zmm31, or ymm0 to ymm15
  std::array<std::uint64_t, 8> masks{};                                ///< k0 to k7
  std::array<std::uint64_t, 6> general{};                              ///< rbx, rbp, r12 to r15
  std::uint32_t mxcsr = 0;
  std::uint16_t x87_control = 0;
};

struct poll_arguments {
  pollfd* fds;
  std::uint64_t count;
  const timespec* timeout;
  const sigset_t* mask;
};

/// Loads `in`, calls libc's own ppoll (a sanitizer has one before it), stores what is there then in `out`;
/// its result.
int poll_with_registers(const poll_arguments& what, const register_values& in, register_values& out);

/// Whether the CPU has AVX-512: the wide registers are used.
bool wide_registers();

}  // namespace unwedge::rescue
