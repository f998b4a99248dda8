// The chain of signal frames on aarch64: the counterpart of frames_x86_64.hpp, as plain data with definitions
// of its own, so that it is compiled and tested everywhere. Nobody has tried it on hardware: unwedge-rescue
// refuses a lease there. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <span>

namespace unwedge::rescue::aarch64 {

/// A function and its first six integer arguments (x0 to x5).
struct call {
  std::uint64_t function = 0;
  std::array<std::uint64_t, 6> args{};
};

/// struct user_pt_regs (NT_PRSTATUS).
struct registers {
  std::array<std::uint64_t, 31> x{};
  std::uint64_t sp = 0, pc = 0, pstate = 0;
};

/// struct user_fpsimd_state (NT_PRFPREG) less its padding. What SVE has beyond it a system call has
/// discarded.
struct vector_state {
  std::array<std::array<std::uint64_t, 2>, 32> v{};
  std::uint32_t fpsr = 0, fpcr = 0;
};

/// What rt_sigreturn(2) takes off the stack, from its stack pointer on: struct rt_sigframe of the kernel as
/// far as it is read, with one record, of the vector registers (which it demands), and the one that ends the
/// list.
struct signal_frame {
  std::array<std::byte, 128> siginfo;
  std::uint64_t flags;
  std::uint64_t link;
  std::uint64_t stack_pointer;  ///< of the alternate stack
  std::uint32_t stack_flags;
  std::uint32_t padding;
  std::uint64_t stack_size;
  std::uint64_t signal_mask;
  std::array<std::byte, 120> unused;  ///< the kernel keeps room for a mask of 1024 bits
  std::uint64_t alignment;
  // struct sigcontext
  std::uint64_t fault_address;
  std::array<std::uint64_t, 31> x;
  std::uint64_t sp, pc, pstate;
  std::uint64_t alignment_of_records;
  std::uint32_t vector_magic, vector_size;
  std::uint32_t fpsr, fpcr;
  std::array<std::array<std::uint64_t, 2>, 32> v;
  std::uint32_t end_magic, end_size;
  std::uint64_t rest;
};

inline constexpr std::size_t frame_stride = sizeof(signal_frame);

struct room {
  std::uint64_t begin = 0;  ///< of the first frame; the callees' stacks grow below
  std::uint64_t time = 0;
  std::uint64_t end = 0;

  std::uint64_t frame(std::size_t i) const { return begin + i * frame_stride; }
  std::size_t size() const { return end - begin; }
};

room room_below(std::uint64_t sp, std::size_t calls);

struct state {
  registers general;
  vector_state vectors;
  std::uint64_t signal_mask = 0;
};

/// As x86_64::lay_out. `trampoline`: the vDSO's __kernel_rt_sigreturn, which a called function returns to
/// (x30) and which finds the frame at the stack pointer.
registers lay_out(const room& at, const state& was, std::span<const call> calls, timespec sleep,
                  std::uint64_t trampoline, std::int64_t result, std::span<std::byte> into);

}  // namespace unwedge::rescue::aarch64
