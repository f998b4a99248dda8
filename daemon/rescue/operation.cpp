#include "daemon/rescue/operation.hpp"

#include "daemon/rescue/remote_memory.hpp"
#include "daemon/rescue/swapped.hpp"
#include "daemon/rescue/tracer_thread.hpp"
#include "daemon/rescue/xstate.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace unwedge::rescue {

namespace {

using std::chrono::steady_clock;

constexpr std::uint16_t user_code = 0x33;
constexpr long long restart_first = -516, restart_last = -512;  // ERESTART_RESTARTBLOCK to ERESTARTSYS

bool interrupted_in(const user_regs_struct& r, long call) {
  const auto result = static_cast<long long>(r.rax);
  return r.orig_rax == static_cast<unsigned long long>(call) && result >= restart_first &&
         result <= restart_last;
}

/// Everything that the stop needs, there before it begins, in memory that cannot be swapped out.
struct table {
  std::array<std::byte, x86_64::most_block_xstate + 64> xstate;
  std::array<std::byte, x86_64::most_block_xstate + 64 + x86_64::most_calls * x86_64::frame_stride + 256>
      block;
  std::array<x86_64::call, x86_64::most_calls> calls;
  std::array<std::uint64_t, inspect::most_frames> words;
  std::array<iovec, inspect::most_frames> places;
  evidence::proc_reader files;

  table() {
    std::memset(static_cast<void*>(xstate.data()), 0, xstate.size());
    std::memset(static_cast<void*>(block.data()), 0, block.size());
    words.fill(0);
    places.fill({});
    ::mlock(this, sizeof *this);  // without the right to: then not
  }
};

class operation {
 public:
  operation(const evidence::process& of, const lease_request& wanted, const patient& seen)
      : of_(of), wanted_(wanted), seen_(seen), thread_(of, wanted.holder), pages_(of) {}

  std::expected<grant, finding> begin() {
    prepare();
    if (auto why = thread_.seize(); !why.empty()) return failed("undisturbed", std::move(why));
    if (auto why = thread_.stop(); !why.empty()) return failed("undisturbed", std::move(why));
    if (const auto* why = changed(); why != nullptr) return failed(name_, why);
    if (const auto* why = chain(); why != nullptr) return failed(name_, why);
    made_.times = thread_.let_go();
    return made_;
  }

 private:
  std::unexpected<finding> failed(std::string_view name, std::string why) {
    const auto stood = thread_.let_go().stopped;
    const auto still =
        stood.count() > 0 ? fmt::format(" (looked at for {} us, untouched)", stood.count() / 1'000) : "";
    return std::unexpected(
        finding{.name = std::string{name}, .ok = false, .sentence = std::move(why) + still});
  }

  void prepare() {
    made_.holder = wanted_.holder;
    made_.locks = seen_.mutexes;
    for (std::size_t i = 0; i < seen_.stack.returns.size(); ++i)
      // NOLINTNEXTLINE(performance-no-int-to-ptr): an address over there
      table_->places[i] = {reinterpret_cast<void*>(seen_.stack.returns[i].address), sizeof(std::uint64_t)};
    const auto path = fmt::format("task/{}", of_.pid());
    main_thread_ =
        evidence::file_descriptor{::openat(of_.proc_dir(), path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    (void)place_in(main_thread_.get(), table_->files);
  }

  const char* say(const char* name, const char* why) {
    name_ = name;
    return why;
  }

  // nullptr: all is as it was seen.
  const char* changed() {
    const auto r = thread_.registers();
    if (!r) return say("holder-polls", "its registers are not those of a 64-bit thread");
    was_.registers = *r;
    if (r->cs != user_code) return say("holder-polls", "it does not run 64-bit code");
    if (!interrupted_in(*r, SYS_ppoll)) return say("holder-polls", "it was not interrupted in ppoll");
    if (r->rsp != seen_.place.sp || r->rip != seen_.place.pc || r->r10 != 0 || r->rsi == 0)
      return say("holder-polls", "it polls elsewhere than before");
    if (seen_.stack.frame_pointer != 0 && r->rbp != seen_.stack.frame_pointer)
      return say("nested-poll", "its frame pointer is not where its stack was unwound from");
    std::array<unsigned char, 2> code{};
    if (!read_remote(of_.pid(), r->rip - 2, std::as_writable_bytes(std::span{code})) || code[0] != 0x0f ||
        code[1] != 0x05)
      return say("holder-polls", "there is no system call before its instruction pointer");
    for (const auto& m : seen_.mutexes) {
      const auto now = read_mutex(of_.pid(), m.address);
      if (!now || *now != m.words) return say("mutex", "a mutex has changed");
    }
    const auto main_thread = place_in(main_thread_.get(), table_->files);
    if (!main_thread || waited_mutex(*main_thread) != seen_.mutexes.front().address)
      return say("wanted", "the main thread no longer waits");
    if (!stack_is_as_seen()) return say("nested-poll", "its stack has changed");
    if (!of_.alive()) return say("process", "it has ended");
    return nullptr;
  }

  bool stack_is_as_seen() {
    const auto count = seen_.stack.returns.size();
    const iovec local{table_->words.data(), count * sizeof(std::uint64_t)};
    const auto got = ::process_vm_readv(of_.pid(), &local, 1, table_->places.data(), count, 0);
    if (got != static_cast<ssize_t>(local.iov_len)) return false;
    for (std::size_t i = 0; i < count; ++i)
      if (table_->words[i] != seen_.stack.returns[i].value) return false;
    return true;
  }

  const char* chain() {
    const auto mask = thread_.signal_mask();
    if (!mask) return say("signal-mask", "its signal mask cannot be read");
    was_.signal_mask = *mask;
    const auto got = thread_.xstate(std::span{table_->xstate}.first(x86_64::most_block_xstate));
    const auto size = got ? x86_64::to_signal_frame(table_->xstate, *got) : std::unexpected(std::string{});
    if (!size) return say("fpu-state", "its floating point state cannot be read whole");
    was_.xstate = std::span{table_->xstate}.first(*size);
    const auto count = calls_for(seen_.mutexes);
    made_.at = x86_64::room_below(was_.registers.rsp, count, *size);
    if (made_.at.size() > table_->block.size()) return say("stack-room", "the chain is longer than can be");
    if (pages_.any_swapped(made_.at.begin - 4'096, made_.at.end))
      return say("stack-room", "a part of it is swapped out");
    const auto calls = call_list(made_.at.time);
    const auto block = std::span{table_->block}.first(made_.at.size());
    const auto ms = wanted_.window.count();
    const timespec sleep{.tv_sec = ms / 1'000, .tv_nsec = ms % 1'000 * 1'000'000};
    const auto start = x86_64::lay_out(made_.at, was_, calls, sleep, seen_.library.restorer, -EINTR, block);
    // Below its red zone nothing of the thread's own is touched, even if this is cut short.
    if (!write_remote(of_.pid(), made_.at.begin, block))
      return say("stack-room", "its stack cannot be written");
    made_.began = steady_clock::now();
    if (!thread_.set_registers(start)) return say("registers", "its registers cannot be set");
    return nullptr;
  }

  // Given away in the reverse of the order in which they are taken back.
  std::span<const x86_64::call> call_list(std::uint64_t time) {
    std::size_t n = 0;
    for (auto m = seen_.mutexes.rbegin(); m != seen_.mutexes.rend(); ++m)
      for (std::uint32_t i = 0; i < depth(m->words); ++i)
        table_->calls[n++] = {.function = seen_.library.unlock, .args = {m->address}};
    made_.sleeping_sp = made_.at.frame(n);
    table_->calls[n++] = {.function = seen_.library.system_call, .args = {SYS_ppoll, 0, 0, time, 0, 0}};
    for (const auto& m : seen_.mutexes)
      for (std::uint32_t i = 0; i < depth(m.words); ++i)
        table_->calls[n++] = {.function = seen_.library.lock, .args = {m.address}};
    return std::span{table_->calls}.first(n);
  }

  const evidence::process& of_;
  const lease_request& wanted_;
  const patient& seen_;
  held_thread thread_;
  swapped_pages pages_;
  evidence::file_descriptor main_thread_;  ///< its folder
  std::unique_ptr<table> table_ = std::make_unique<table>();
  x86_64::state was_;
  grant made_;
  const char* name_ = "";
};

early_end end_as_tracer(const evidence::process& of, const grant& lease) {
  early_end made;
  held_thread thread{of, lease.holder};
  if (made.sentence = thread.seize(); !made.sentence.empty()) return made;
  if (made.sentence = thread.stop(); !made.sentence.empty()) return made;
  auto r = thread.registers();
  const bool sleeps = r && r->cs == user_code && interrupted_in(*r, SYS_ppoll) && r->rdi == 0 &&
                      r->rsi == 0 && r->rdx == lease.at.time && r->rsp == lease.sleeping_sp;
  if (sleeps) {
    r->orig_rax = ~0ull;
    r->rax = static_cast<unsigned long long>(-EINTR);
    made.woken = thread.set_registers(*r);
  }
  made.times = thread.let_go();
  made.sentence = made.woken ? "its sleep was ended" : "it no longer slept";
  return made;
}

}  // namespace

std::expected<grant, finding> begin_lease(const evidence::process& of, const lease_request& wanted,
                                          const patient& as_seen) {
  std::expected<grant, finding> made = std::unexpected(finding{});
  on_tracer_thread([&] { made = operation{of, wanted, as_seen}.begin(); });
  return made;
}

early_end end_lease(const evidence::process& of, const grant& lease) {
  early_end made;
  on_tracer_thread([&] { made = end_as_tracer(of, lease); });
  return made;
}

}  // namespace unwedge::rescue
