// The floating point state of an x86-64 thread: from how ptrace(2) gives it (NT_X86_XSTATE) to how a signal
// frame holds it, so that rt_sigreturn(2) puts all of it back: x87, SSE, AVX, AVX-512, PKRU. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>

namespace unwedge::rescue::x86_64 {

inline constexpr std::size_t most_xstate = 12'288;  ///< with AMX it is 11 KiB
inline constexpr std::size_t legacy_xstate = 512, xstate_header = 64;

/// Where feature number `i` of the XSAVE area (standard format) ends; 0: the CPU does not say.
using xstate_end = std::size_t (*)(unsigned i);
/// By cpuid(0xd).
std::size_t cpu_xstate_end(unsigned i);

/// Makes a signal frame's image of `image` in place: as large as the thread's own state, all features
/// that are enabled but AMX's tiles if it does not use them: larger ones the kernel refuses. With the magic
/// words of struct _fpx_sw_bytes. Returns how many bytes it has now. Error (a sentence): it is no such state,
/// or has a feature that this CPU does not know. `image` has 4 bytes to spare behind `used`.
std::expected<std::size_t, std::string> to_signal_frame(std::span<std::byte> image, std::size_t used,
                                                        xstate_end end_of = cpu_xstate_end);

}  // namespace unwedge::rescue::x86_64
