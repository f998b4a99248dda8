// The chain of signal frames by which a stopped x86-64 thread calls functions by itself, one after the other,
// and then is exactly where it was, as if a system call had been interrupted. Pure: bytes and registers. Why
// it works: docs/rescue.md.
#pragma once

#include <sys/user.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <span>
#include <string_view>

namespace unwedge::rescue::x86_64 {

/// A function and its first six integer arguments (rdi, rsi, rdx, rcx, r8, r9).
struct call {
  std::uint64_t function = 0;
  std::array<std::uint64_t, 6> args{};
};

/// What rt_sigreturn(2) takes off the stack: struct rt_sigframe of the kernel without the siginfo behind it,
/// which it does not read.
struct signal_frame {
  std::uint64_t restorer;  ///< where a called function returns to: the rt_sigreturn stub
  std::uint64_t flags;
  std::uint64_t link;
  std::uint64_t stack_pointer;  ///< of the alternate stack
  std::uint32_t stack_flags;
  std::uint32_t padding;
  std::uint64_t stack_size;
  // struct sigcontext
  std::uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
  std::uint16_t cs, gs, fs, ss;
  std::uint64_t error, trap, old_mask, cr2;
  std::uint64_t xstate;  ///< address of the floating point state, aligned to 64
  std::array<std::uint64_t, 8> reserved;
  std::uint64_t signal_mask;
};
static_assert(sizeof(signal_frame) == 312);

inline constexpr std::size_t frame_stride = 320;  ///< keeps every frame at 8 mod 16, as after a call
inline constexpr std::size_t red_zone = 128;      ///< System V ABI: below rsp and still in use
inline constexpr std::size_t most_calls = 64;
/// For the floating point state, whatever its size turns out to be (xstate.hpp).
inline constexpr std::size_t most_block_xstate = 12'288;
/// By which a sleeping lease is known, whoever began it: behind the time that it sleeps.
inline constexpr std::string_view mark{"unwedge: lease\n\0", 16};

/// Where what lies in the thread's stack, by address: frames, time, mark, floating point state.
struct room {
  std::uint64_t begin = 0;  ///< of the first frame's 16-byte block; the callees' stacks grow below
  std::uint64_t time = 0;   ///< a timespec, the mark behind it
  std::uint64_t xstate = 0;
  std::uint64_t end = 0;  ///< stays clear of the red zone

  std::uint64_t frame(std::size_t i) const { return begin + 8 + i * frame_stride; }
  std::size_t size() const { return end - begin; }
};

/// The room for `calls` calls and a floating point state of `xstate_bytes` in the stack of a thread at `rsp`.
room room_below(std::uint64_t rsp, std::size_t calls, std::size_t xstate_bytes);

/// What a thread had when it was stopped.
struct state {
  user_regs_struct registers{};
  std::uint64_t signal_mask = 0;
  std::span<const std::byte> xstate;  ///< as a signal frame has it (xstate.hpp)
};

/// Fills `into`, which has at.size() bytes, with what belongs at at.begin, and returns the registers that
/// begin the chain: the thread calls `calls` in order, asynchronous signals blocked from the second on, and
/// then has everything that it had, with `result` as the outcome of its system call. `sleep` goes to at.time.
/// Allocates nothing.
user_regs_struct lay_out(const room& at, const state& was, std::span<const call> calls, timespec sleep,
                         std::uint64_t restorer, std::int64_t result, std::span<std::byte> into);

}  // namespace unwedge::rescue::x86_64
