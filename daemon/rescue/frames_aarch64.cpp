#include "daemon/rescue/frames_aarch64.hpp"

#include "daemon/rescue/quiet_mask.hpp"

#include <cstring>

namespace unwedge::rescue::aarch64 {

namespace {

// Offsets by the kernel's arch/arm64/include/uapi/asm/{ucontext,sigcontext}.h.
static_assert(offsetof(signal_frame, flags) == 128);
static_assert(offsetof(signal_frame, signal_mask) == 128 + 40);
static_assert(offsetof(signal_frame, fault_address) == 128 + 176);
static_assert(offsetof(signal_frame, x) == 128 + 184);
static_assert(offsetof(signal_frame, sp) == 128 + 432);
static_assert(offsetof(signal_frame, vector_magic) == 128 + 464);
static_assert(offsetof(signal_frame, v) == 128 + 480);
static_assert(offsetof(signal_frame, end_magic) == 128 + 464 + 528);
static_assert(sizeof(signal_frame) % 16 == 0);

constexpr std::uint32_t fpsimd_magic = 0x46508001, fpsimd_size = 528;
constexpr std::uint64_t branch_type =
    0xc00;  // PSTATE.BTYPE: the next instruction would have to be a landing pad
constexpr std::uint32_t no_stack_mode = 4;  // see frames_x86_64.cpp
constexpr std::uint64_t no_stack_size = 1;
constexpr std::size_t link_register = 30;

signal_frame frame_of(const registers& r, const vector_state& v, std::uint64_t mask) {
  signal_frame f{};
  f.stack_flags = no_stack_mode;
  f.stack_size = no_stack_size;
  f.signal_mask = mask;
  f.x = r.x;
  f.sp = r.sp;
  f.pc = r.pc;
  f.pstate = r.pstate;
  f.vector_magic = fpsimd_magic;
  f.vector_size = fpsimd_size;
  f.fpsr = v.fpsr;
  f.fpcr = v.fpcr;
  f.v = v.v;
  return f;
}

registers calling(const registers& was, const call& c, std::uint64_t frame, std::uint64_t trampoline) {
  auto r = was;
  r.pc = c.function;
  r.sp = frame;
  r.pstate &= ~branch_type;
  for (std::size_t i = 0; i < c.args.size(); ++i) r.x[i] = c.args[i];
  r.x[link_register] = trampoline;
  return r;
}

}  // namespace

room room_below(std::uint64_t sp, std::size_t calls) {
  room made;
  made.end = (sp - 128) & ~15ull;  // the ABI has no red zone; distance costs nothing
  made.time = made.end - sizeof(timespec);
  made.begin = made.time - calls * frame_stride;
  return made;
}

registers lay_out(const room& at, const state& was, std::span<const call> calls, timespec sleep,
                  std::uint64_t trampoline, std::int64_t result, std::span<std::byte> into) {
  std::memset(into.data(), 0, into.size());
  const auto put = [&](std::uint64_t address, const void* what, std::size_t size) {
    std::memcpy(into.data() + (address - at.begin), what, size);
  };
  for (std::size_t i = 0; i + 1 < calls.size(); ++i) {
    const auto next = calling(was.general, calls[i + 1], at.frame(i + 1), trampoline);
    const auto frame = frame_of(next, was.vectors, quiet(was.signal_mask));
    put(at.frame(i), &frame, sizeof frame);
  }
  auto end = was.general;
  end.x[0] = static_cast<std::uint64_t>(result);
  const auto last = frame_of(end, was.vectors, was.signal_mask);
  put(at.frame(calls.size() - 1), &last, sizeof last);
  put(at.time, &sleep, sizeof sleep);
  return calling(was.general, calls.front(), at.frame(0), trampoline);
}

}  // namespace unwedge::rescue::aarch64
