#include "daemon/rescue/holder_stack.hpp"

#include "daemon/evidence/address.hpp"
#include "daemon/inspect/stack_copy.hpp"
#include "daemon/rescue/frame_pointers.hpp"
#include "daemon/rescue/nested_poll.hpp"

namespace unwedge::rescue {

namespace {
constexpr std::chrono::milliseconds unwinding_patience{20'000};

// Its other registers only a stop would tell; the frames are found without them.
inspect::captured_thread supposed(const sleeping_thread& thread, std::span<const std::byte> copy,
                                  std::uint64_t frame_pointer) {
  inspect::captured_thread made{
      .facts = {.tid = thread.tid, .comm = thread.look.comm, .state = thread.look.state}, .what = {}};
  made.what.emplace(user_regs_struct{}, std::vector<std::byte>{copy.begin(), copy.end()});
  made.what->registers.rsp = thread.place.sp;
  made.what->registers.rip = thread.place.pc;
  made.what->registers.rbp = frame_pointer;
  return made;
}

}  // namespace

std::expected<holder_stack, std::string> read_holder_stack(const evidence::process& of,
                                                           const sleeping_thread& thread,
                                                           std::span<inspect::module_file> modules) {
  inspect::stack_copier copier{of, thread.map};
  const auto copy = copier.copy(thread.place.sp);
  evidence::proc_reader files;
  if (place_of(of.proc_dir(), thread.tid, files) != thread.place)
    return std::unexpected("it moved while its stack was copied");
  auto guesses = possible_frame_pointers(thread.place.sp, copy, thread.map);
  guesses.insert(guesses.begin(), 0);  // it does not matter, as in most programs
  std::vector<inspect::captured_thread> suppositions;
  suppositions.reserve(guesses.size());
  for (const auto guess : guesses) suppositions.push_back(supposed(thread, copy, guess));
  const auto program = evidence::printable(of.exe());
  const modules_in_stack names{.program = program, .libc = thread.libc};
  const auto accepts = [&](const inspect::thread_stack& s) {
    return judge_nested_poll(s, names).has_value();
  };
  const auto done = unwind_in_sandbox(of.pid(), suppositions, modules, accepts, unwinding_patience);
  if (!done) return std::unexpected(done.error());
  auto verdict = judge_nested_poll(done->stack, names);
  if (!verdict) return std::unexpected(verdict.error());
  auto returns = return_addresses(done->stack, thread.place.sp, copy);
  if (!returns) return std::unexpected(returns.error());
  return holder_stack{.sentence = std::move(*verdict),
                      .walks_graph = walks_graph(done->stack),
                      .returns = std::move(*returns),
                      .frame_pointer = done->which < guesses.size() ? guesses[done->which] : 0};
}

}  // namespace unwedge::rescue
