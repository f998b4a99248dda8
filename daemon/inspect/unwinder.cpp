#include "daemon/inspect/unwinder.hpp"

#include "daemon/evidence/address.hpp"
#include "daemon/inspect/dwfl_session.hpp"

#include <fmt/format.h>

namespace unwedge::inspect {

struct unwinder::session {
  dwfl_memory memory;
  std::unique_ptr<Dwfl, dwfl_end_session> dwfl;
};

namespace {

struct collecting {
  Dwfl* dwfl;
  thread_stack& into;
};

// A return address lies behind its call: for a call that never returns, already in the next function.
frame describe(Dwfl* dwfl, Dwarf_Addr pc, bool exact) {
  frame made{.pc = pc, .function = std::nullopt, .module = std::nullopt};
  const Dwarf_Addr inside = exact ? pc : pc - 1;
  auto* const module = ::dwfl_addrmodule(dwfl, inside);
  if (module == nullptr) return made;
  void** userdata = nullptr;
  Dwarf_Addr begin = 0;
  ::dwfl_module_info(module, &userdata, &begin, nullptr, nullptr, nullptr, nullptr, nullptr);
  made.module = static_cast<const module_file*>(*userdata)->path;
  made.module_offset = made.offset = pc - begin;
  GElf_Addr bias = 0;
  if (::dwfl_module_getelf(module, &bias) != nullptr) made.module_offset = pc - bias;
  GElf_Off offset = 0;
  GElf_Sym symbol;
  if (const char* name =
          ::dwfl_module_addrinfo(module, inside, &offset, &symbol, nullptr, nullptr, nullptr)) {
    made.function = evidence::printable(name);
    made.offset = offset + (pc - inside);
  }
  return made;
}

int add_frame(Dwfl_Frame* state, void* argument) {
  auto& [dwfl, into] = *static_cast<collecting*>(argument);
  Dwarf_Addr pc = 0;
  bool exact = false;
  if (!::dwfl_frame_pc(state, &pc, &exact)) return DWARF_CB_ABORT;
  if (into.frames.size() == most_frames) {
    into.unwind = "truncated";
    return DWARF_CB_ABORT;
  }
  into.frames.push_back(describe(dwfl, pc, exact));
  if (into.frames.back().module) return DWARF_CB_OK;
  // Beyond it libdwfl would guess by the frame pointer, and a guess is not evidence.
  into.unwind = fmt::format("{:#x} lies in no program or library", pc);
  return DWARF_CB_ABORT;
}

}  // namespace

unwinder::unwinder(pid_t pid, std::span<module_file> modules) : session_(std::make_unique<session>()) {
  session_->dwfl = begin_dwfl(pid, modules, session_->memory);
}

unwinder::~unwinder() = default;

thread_stack unwinder::unwind(const captured_thread& thread) {
  auto made = thread.facts;
  if (!thread.what) return made;
  if (thread.what->stack.empty()) {
    made.frames.push_back(describe(session_->dwfl.get(), thread.what->registers.rip, true));
    made.unwind = fmt::format("its stack pointer {:#x} leads to no memory", thread.what->registers.rsp);
    return made;
  }
  session_->memory = {.thread = &thread};
  collecting frames{session_->dwfl.get(), made};
  const int result = ::dwfl_getthread_frames(session_->dwfl.get(), made.tid, add_frame, &frames);
  if (result == 0) made.unwind = "complete";
  if (result < 0)
    made.unwind = session_->memory.beyond_copy ? "truncated" : evidence::printable(::dwfl_errmsg(-1));
  if (made.unwind.empty()) made.unwind = "ended without a reason";
  return made;
}

}  // namespace unwedge::inspect
