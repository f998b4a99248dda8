#include "daemon/rescue/frames_x86_64.hpp"

#include "daemon/rescue/quiet_mask.hpp"

#include <cstring>

namespace unwedge::rescue::x86_64 {

namespace {

constexpr std::uint64_t fp_xstate = 1, sigcontext_ss = 2, strict_restore_ss = 4;  // UC_*, asm/ucontext.h
constexpr std::uint16_t user_code = 0x33, user_data = 0x2b;
constexpr std::uint64_t direction_and_trap = 0x400 | 0x100;  // no function expects either

// For sigaltstack(2) neither a mode nor a size that there is: refused, so the alternate stack stays what it
// is.
constexpr std::uint32_t no_stack_mode = 4;
constexpr std::uint64_t no_stack_size = 1;

signal_frame frame_of(const user_regs_struct& r, std::uint64_t mask, std::uint64_t xstate,
                      std::uint64_t restorer) {
  return {.restorer = restorer,
          .flags = fp_xstate | sigcontext_ss | strict_restore_ss,
          .link = 0,
          .stack_pointer = 0,
          .stack_flags = no_stack_mode,
          .padding = 0,
          .stack_size = no_stack_size,
          .r8 = r.r8,
          .r9 = r.r9,
          .r10 = r.r10,
          .r11 = r.r11,
          .r12 = r.r12,
          .r13 = r.r13,
          .r14 = r.r14,
          .r15 = r.r15,
          .rdi = r.rdi,
          .rsi = r.rsi,
          .rbp = r.rbp,
          .rbx = r.rbx,
          .rdx = r.rdx,
          .rax = r.rax,
          .rcx = r.rcx,
          .rsp = r.rsp,
          .rip = r.rip,
          .eflags = r.eflags,
          .cs = user_code,
          .gs = 0,
          .fs = 0,
          .ss = user_data,
          .error = 0,
          .trap = 0,
          .old_mask = 0,
          .cr2 = 0,
          .xstate = xstate,
          .reserved = {},
          .signal_mask = mask};
}

user_regs_struct calling(const user_regs_struct& was, const call& c, std::uint64_t return_slot) {
  auto r = was;
  r.rip = c.function;
  r.rsp = return_slot;
  r.rax = 0;
  r.orig_rax = ~0ull;  // in no system call: the kernel restarts none
  r.eflags &= ~direction_and_trap;
  r.rdi = c.args[0];
  r.rsi = c.args[1];
  r.rdx = c.args[2];
  r.rcx = c.args[3];
  r.r8 = c.args[4];
  r.r9 = c.args[5];
  return r;
}

}  // namespace

room room_below(std::uint64_t rsp, std::size_t calls, std::size_t xstate_bytes) {
  room made;
  made.end = (rsp - red_zone - 64) & ~63ull;
  made.xstate = (made.end - xstate_bytes) & ~63ull;
  made.time = made.xstate - sizeof(timespec) - mark.size();
  made.begin = (made.time - calls * frame_stride) & ~15ull;
  return made;
}

user_regs_struct lay_out(const room& at, const state& was, std::span<const call> calls, timespec sleep,
                         std::uint64_t restorer, std::int64_t result, std::span<std::byte> into) {
  std::memset(into.data(), 0, into.size());
  const auto put = [&](std::uint64_t address, const void* what, std::size_t size) {
    std::memcpy(into.data() + (address - at.begin), what, size);
  };
  // Frame i is where call i returns to; it starts call i + 1, or the last one what was.
  for (std::size_t i = 0; i + 1 < calls.size(); ++i) {
    const auto next = calling(was.registers, calls[i + 1], at.frame(i + 1));
    const auto frame = frame_of(next, quiet(was.signal_mask), at.xstate, restorer);
    put(at.frame(i), &frame, sizeof frame);
  }
  auto end = was.registers;
  end.rax = static_cast<std::uint64_t>(result);
  const auto last = frame_of(end, was.signal_mask, at.xstate, restorer);
  put(at.frame(calls.size() - 1), &last, sizeof last);
  put(at.time, &sleep, sizeof sleep);
  put(at.time + sizeof sleep, mark.data(), mark.size());
  put(at.xstate, was.xstate.data(), was.xstate.size());
  return calling(was.registers, calls.front(), at.frame(0));
}

}  // namespace unwedge::rescue::x86_64
