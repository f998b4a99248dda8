// The bytes of a chain, on either architecture.
#include "daemon/rescue/frames_aarch64.hpp"
#include "daemon/rescue/frames_x86_64.hpp"
#include "daemon/rescue/quiet_mask.hpp"
#include "daemon/rescue/xstate.hpp"

#include <gmock/gmock.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace unwedge::rescue {
namespace {

constexpr std::uint64_t sp = 0x7f00'0000'a1b8, stub = 0x7f11'0000'2050, unlock = 0x1000, sleep_call = 0x2000,
                        lock = 0x3000, mutex = 0x5555'0000;
constexpr std::uint64_t mask = std::uint64_t{1} << (SIGUSR2 - 1);

template <typename Value>
Value at(std::span<const std::byte> bytes, std::size_t offset) {
  Value v;
  std::memcpy(&v, bytes.data() + offset, sizeof v);
  return v;
}

struct x86_chain {
  std::vector<std::byte> xstate = std::vector<std::byte>(900, std::byte{0x5a});
  x86_64::state was;
  x86_64::room room;
  std::vector<std::byte> bytes;
  user_regs_struct start{};

  x86_chain() {
    was.registers.rsp = sp;
    was.registers.rip = 0x7f11'0010'0000;
    was.registers.rbx = 0xb;
    was.registers.r15 = 0xf;
    was.registers.rdi = 0xd1;
    was.registers.eflags = 0x246 | 0x400;
    was.registers.orig_rax = 271;
    was.registers.rax = static_cast<unsigned long long>(-514);
    was.signal_mask = mask;
    was.xstate = xstate;
    room = x86_64::room_below(sp, 3, xstate.size());
    const std::array<x86_64::call, 3> calls{
        {{unlock, {mutex}}, {sleep_call, {271, 0, 0, room.time, 0, 0}}, {lock, {mutex}}}};
    bytes.resize(room.size());
    start = x86_64::lay_out(room, was, calls, {.tv_sec = 3, .tv_nsec = 7}, stub, -EINTR, bytes);
  }
  x86_64::signal_frame frame(std::size_t i) const {
    return at<x86_64::signal_frame>(bytes, room.frame(i) - room.begin);
  }
};

TEST(x86_64_chain, stays_below_the_red_zone) {
  const x86_chain c;
  EXPECT_LE(c.room.end, sp - x86_64::red_zone);
  EXPECT_EQ(c.room.begin % 16, 0u);
  EXPECT_EQ(c.room.xstate % 64, 0u);
  EXPECT_LE(c.room.xstate + c.xstate.size(), c.room.end);
  EXPECT_GE(c.room.time, c.room.frame(2) + sizeof(x86_64::signal_frame));
}

TEST(x86_64_chain, has_frames_as_the_kernel_reads_them) {
  const x86_chain c;
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(c.room.frame(i) % 16, 8u);  // the stack pointer of a function that was just called
    const auto f = c.frame(i);
    EXPECT_EQ(f.restorer, stub);
    EXPECT_EQ(f.cs, 0x33);
    EXPECT_EQ(f.ss, 0x2b);
    EXPECT_EQ(f.xstate, c.room.xstate);
    EXPECT_EQ(f.stack_size, 1u);
  }
  // Offsets in struct rt_sigframe, counted by hand: uc_flags, r8, rip, fpstate, uc_sigmask.
  const auto base = c.room.frame(2) - c.room.begin;
  EXPECT_EQ(at<std::uint64_t>(c.bytes, base + 8), 7u);
  EXPECT_EQ(at<std::uint64_t>(c.bytes, base + 8 + 40 + 16 * 8), c.was.registers.rip);
  EXPECT_EQ(at<std::uint64_t>(c.bytes, base + 8 + 40 + 23 * 8), c.room.xstate);
  EXPECT_EQ(at<std::uint64_t>(c.bytes, base + 8 + 40 + 256), mask);
}

TEST(x86_64_chain, calls_in_order_and_returns_to_the_next_frame) {
  const x86_chain c;
  EXPECT_EQ(c.start.rip, unlock);
  EXPECT_EQ(c.start.rdi, mutex);
  EXPECT_EQ(c.start.rsp, c.room.frame(0));
  EXPECT_EQ(c.start.orig_rax, ~0ull);
  EXPECT_EQ(c.start.eflags & 0x400, 0u);
  EXPECT_EQ(c.frame(0).rip, sleep_call);
  EXPECT_EQ(c.frame(0).rdi, 271u);
  EXPECT_EQ(c.frame(0).rcx, c.room.time);
  EXPECT_EQ(c.frame(0).rsp, c.room.frame(1));
  EXPECT_EQ(c.frame(1).rip, lock);
  EXPECT_EQ(c.frame(1).rdi, mutex);
  EXPECT_EQ(c.frame(1).rsp, c.room.frame(2));
}

TEST(x86_64_chain, ends_where_it_began_with_a_system_call_that_was_interrupted) {
  const x86_chain c;
  const auto f = c.frame(2);
  EXPECT_EQ(f.rip, c.was.registers.rip);
  EXPECT_EQ(f.rsp, sp);
  EXPECT_EQ(f.rax, static_cast<std::uint64_t>(-EINTR));
  EXPECT_EQ(f.rbx, 0xbu);
  EXPECT_EQ(f.r15, 0xfu);
  EXPECT_EQ(f.rdi, 0xd1u);
  EXPECT_EQ(f.eflags, c.was.registers.eflags);
  EXPECT_EQ(f.signal_mask, mask);
}

TEST(x86_64_chain, has_the_time_and_the_mark_behind_it) {
  const x86_chain c;
  const auto t = at<timespec>(c.bytes, c.room.time - c.room.begin);
  EXPECT_EQ(t.tv_sec, 3);
  EXPECT_EQ(t.tv_nsec, 7);
  EXPECT_EQ(std::memcmp(c.bytes.data() + (c.room.time - c.room.begin) + 16, "unwedge: lease\n", 16), 0);
}

TEST(x86_64_chain, blocks_signals_but_those_that_the_thread_itself_raises) {
  const x86_chain c;
  EXPECT_EQ(c.frame(0).signal_mask, quiet(mask));
  const auto blocks = [](int signal) { return (quiet(mask) >> (signal - 1) & 1) != 0; };
  EXPECT_TRUE(blocks(SIGUSR1) && blocks(SIGUSR2) && blocks(32) && blocks(SIGTERM) && blocks(64));
  EXPECT_FALSE(blocks(SIGSEGV) || blocks(SIGBUS) || blocks(SIGILL) || blocks(SIGFPE) || blocks(SIGTRAP));
}

// A state as ptrace gives it on a CPU with AVX (feature 2, to 832), PKRU (feature 9, to 2696) and AMX
// (features 17 and 18, to 2816 and, on this CPU, 3840).
std::size_t ends_of(unsigned i) {
  return i == 2 ? 832 : i == 9 ? 2696 : i == 17 ? 2816 : i == 18 ? 3840 : 0;
}
std::vector<std::byte> ptrace_image(std::uint64_t enabled, std::uint64_t in_use) {
  std::vector<std::byte> image(4'096, std::byte{0});
  std::memcpy(image.data() + 464, &enabled, 8);
  std::memcpy(image.data() + 512, &in_use, 8);
  image[700] = std::byte{0xaa};
  return image;
}

TEST(floating_point_state, gets_the_words_that_a_signal_frame_has) {
  auto image = ptrace_image(0x7, 0x7);
  const auto size = x86_64::to_signal_frame(image, 832, ends_of);
  ASSERT_TRUE(size) << size.error();
  EXPECT_EQ(*size, 832u + 4);
  EXPECT_EQ(at<std::uint32_t>(image, 464), 0x46505853u);
  EXPECT_EQ(at<std::uint32_t>(image, 468), 836u);
  EXPECT_EQ(at<std::uint64_t>(image, 472), 7u);
  EXPECT_EQ(at<std::uint32_t>(image, 480), 832u);
  EXPECT_EQ(at<std::uint32_t>(image, 832), 0x46505845u);
  EXPECT_EQ(image[700], std::byte{0xaa});
}

TEST(floating_point_state, always_has_protection_keys_where_there_are_any) {
  auto image = ptrace_image(0x207, 0x1);
  const auto size = x86_64::to_signal_frame(image, 2'696, ends_of);
  ASSERT_TRUE(size) << size.error();
  EXPECT_EQ(at<std::uint64_t>(image, 512), 0x203u);
  EXPECT_EQ(*size, 2'696u + 4);
}

TEST(floating_point_state, is_as_large_as_the_threads_with_few_features_in_use) {
  auto image = ptrace_image(0x7, 0x1);
  const auto size = x86_64::to_signal_frame(image, 832, ends_of);
  ASSERT_TRUE(size) << size.error();
  EXPECT_EQ(*size, 832u + 4);
  EXPECT_EQ(at<std::uint64_t>(image, 472), 3u);
  EXPECT_EQ(at<std::uint32_t>(image, 480), 832u);
  EXPECT_EQ(at<std::uint32_t>(image, 832), 0x46505845u);
}

TEST(floating_point_state, has_amx_only_in_use_and_its_word_at_either_end) {
  constexpr std::uint64_t tiles = 3ull << 17;
  auto image = ptrace_image(0x207 | tiles, 0x3);
  const auto size = x86_64::to_signal_frame(image, 3'840, ends_of);
  ASSERT_TRUE(size) << size.error();
  EXPECT_EQ(*size, 3'840u + 4);
  EXPECT_EQ(at<std::uint32_t>(image, 480), 2'816u);
  EXPECT_EQ(at<std::uint32_t>(image, 2'816), 0x46505845u);
  EXPECT_EQ(at<std::uint32_t>(image, 3'840), 0x46505845u);
  auto in_use = ptrace_image(0x207 | tiles, 0x3 | tiles);
  ASSERT_TRUE(x86_64::to_signal_frame(in_use, 3'840, ends_of));
  EXPECT_EQ(at<std::uint32_t>(in_use, 480), 3'840u);
  EXPECT_EQ(at<std::uint32_t>(in_use, 3'840), 0x46505845u);
}

TEST(floating_point_state, that_is_not_understood_is_refused) {
  auto image = ptrace_image(0x7, 0x7 | 1ull << 20);
  EXPECT_FALSE(x86_64::to_signal_frame(image, 2'696, ends_of));
  EXPECT_FALSE(x86_64::to_signal_frame(image, 512, ends_of));
  auto cut = ptrace_image(0x7, 0x7);
  EXPECT_FALSE(x86_64::to_signal_frame(cut, 700, ends_of));
}

TEST(aarch64_chain, has_frames_as_the_kernel_reads_them) {
  using namespace aarch64;
  constexpr std::uint64_t stack = 0xffff'8000'1000, trampoline = 0xffff'9000'0500;
  state was;
  for (std::size_t i = 0; i < 31; ++i) was.general.x[i] = 0x100 + i;
  was.general.sp = stack;
  was.general.pc = 0xaaaa'0000'1234;
  was.general.pstate = 0x6000'0c00;
  was.vectors.v[31] = {1, 2};
  was.vectors.fpcr = 0x300'0000;
  was.signal_mask = mask;
  const auto where = aarch64::room_below(stack, 3);
  const std::array<call, 3> calls{{{unlock, {mutex}}, {sleep_call, {73, 0, 0, where.time}}, {lock, {mutex}}}};
  std::vector<std::byte> bytes(where.size());
  const auto start = lay_out(where, was, calls, {.tv_sec = 1, .tv_nsec = 0}, trampoline, -EINTR, bytes);
  EXPECT_EQ(start.pc, unlock);
  EXPECT_EQ(start.x[0], mutex);
  EXPECT_EQ(start.x[30], trampoline);
  EXPECT_EQ(start.sp, where.frame(0));
  EXPECT_EQ(start.sp % 16, 0u);
  EXPECT_EQ(start.pstate, 0x6000'0000u);
  // Offsets in struct rt_sigframe, counted by hand: siginfo 128, ucontext 176 to the registers.
  const auto base = [&](std::size_t i) { return where.frame(i) - where.begin; };
  EXPECT_EQ(at<std::uint64_t>(bytes, base(0) + 312), 73u);
  EXPECT_EQ(at<std::uint64_t>(bytes, base(0) + 312 + 3 * 8), where.time);
  EXPECT_EQ(at<std::uint64_t>(bytes, base(0) + 312 + 30 * 8), trampoline);
  EXPECT_EQ(at<std::uint64_t>(bytes, base(0) + 560), where.frame(1));
  EXPECT_EQ(at<std::uint64_t>(bytes, base(0) + 568), sleep_call);
  EXPECT_EQ(at<std::uint64_t>(bytes, base(0) + 168), quiet(mask));
  EXPECT_EQ(at<std::uint64_t>(bytes, base(1) + 568), lock);
  const auto last = base(2);
  EXPECT_EQ(at<std::uint64_t>(bytes, last + 168), mask);
  EXPECT_EQ(at<std::uint64_t>(bytes, last + 312), static_cast<std::uint64_t>(-EINTR));
  EXPECT_EQ(at<std::uint64_t>(bytes, last + 312 + 29 * 8), 0x100u + 29);
  EXPECT_EQ(at<std::uint64_t>(bytes, last + 560), stack);
  EXPECT_EQ(at<std::uint64_t>(bytes, last + 568), was.general.pc);
  EXPECT_EQ(at<std::uint64_t>(bytes, last + 576), was.general.pstate);
  EXPECT_EQ(at<std::uint32_t>(bytes, last + 592), 0x4650'8001u);
  EXPECT_EQ(at<std::uint32_t>(bytes, last + 596), 528u);
  EXPECT_EQ(at<std::uint32_t>(bytes, last + 604), 0x300'0000u);
  EXPECT_EQ(at<std::uint64_t>(bytes, last + 608 + 31 * 16 + 8), 2u);
  EXPECT_EQ(at<std::uint64_t>(bytes, last + 592 + 528), 0u);  // the record that ends the list
  EXPECT_LE(where.end, stack);
}

}  // namespace
}  // namespace unwedge::rescue
