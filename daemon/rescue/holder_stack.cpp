#include "daemon/rescue/holder_stack.hpp"

#include "daemon/evidence/address.hpp"
#include "daemon/inspect/stack_copy.hpp"
#include "daemon/rescue/nested_poll.hpp"

namespace unwedge::rescue {

namespace {
constexpr std::chrono::milliseconds unwinding_patience{20'000};
}  // namespace

std::expected<holder_stack, std::string> read_holder_stack(const evidence::process& of,
                                                           const sleeping_thread& thread,
                                                           std::span<inspect::module_file> modules) {
  inspect::captured_thread seen{
      .facts = {.tid = thread.tid, .comm = thread.look.comm, .state = thread.look.state}, .what = {}};
  inspect::stack_copier copier{of, thread.map};
  const auto copy = copier.copy(thread.place.sp);
  seen.what.emplace(user_regs_struct{}, std::vector<std::byte>{copy.begin(), copy.end()});
  // What else was in its registers only a stop would tell; QEMU's frames are found by the stack pointer
  // alone.
  seen.what->registers.rsp = thread.place.sp;
  seen.what->registers.rip = thread.place.pc;
  evidence::proc_reader files;
  if (place_of(of.proc_dir(), thread.tid, files) != thread.place)
    return std::unexpected("it moved while its stack was copied");
  const auto stack = unwind_in_sandbox(of.pid(), seen, modules, unwinding_patience);
  if (!stack) return std::unexpected(stack.error());
  auto verdict = judge_nested_poll(*stack, {.program = evidence::printable(of.exe()), .libc = thread.libc});
  if (!verdict) return std::unexpected(verdict.error());
  auto returns = return_addresses(*stack, thread.place.sp, copy);
  if (!returns) return std::unexpected(returns.error());
  return holder_stack{.sentence = std::move(*verdict), .returns = std::move(*returns)};
}

}  // namespace unwedge::rescue
