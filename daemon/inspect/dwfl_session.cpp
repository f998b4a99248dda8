#include "daemon/inspect/dwfl_session.hpp"

#include "daemon/inspect/stack_copy.hpp"

#include <fmt/format.h>

#include <fcntl.h>

#include <array>
#include <cstring>
#include <stdexcept>

namespace unwedge::inspect {

namespace {

using dwfl_handle = std::unique_ptr<Dwfl, dwfl_end_session>;

// ELF_C_READ: with pread(2), bounds checked against the file. Mapped, a file that its owner shortens
// meanwhile would kill us (SIGBUS).
int find_elf(Dwfl_Module*, void** userdata, const char*, Dwarf_Addr, char**, Elf** elf) {
  auto* const file = static_cast<module_file*>(*userdata);
  if (file == nullptr) return -1;
  *elf = file->image.empty() ? ::elf_begin(file->elf.get(), ELF_C_READ, nullptr)
                             : ::elf_memory(file->image.data(), file->image.size());
  return -1;
}

// What was opened before; libdwfl closes it. Never the standard search, which may ask debuginfod.
int find_debuginfo(Dwfl_Module*, void** userdata, const char*, Dwarf_Addr, const char*, const char*,
                   GElf_Word, char**) {
  auto* const file = static_cast<module_file*>(*userdata);
  return file == nullptr || !file->debug ? -1 : file->debug.release();
}

pid_t next_thread(Dwfl*, void* argument, void** thread) {
  if (*thread != nullptr) return 0;
  *thread = argument;
  return static_cast<dwfl_memory*>(argument)->thread->facts.tid;
}

bool get_thread(Dwfl*, pid_t, void* argument, void** thread) {
  *thread = argument;
  return true;
}

bool read_memory(Dwfl*, Dwarf_Addr address, Dwarf_Word* result, void* argument) {
  auto& memory = *static_cast<dwfl_memory*>(argument);
  const auto& copy = *memory.thread->what;
  const auto size = copy.stack.size();
  const auto at = address - copy.registers.rsp;  // huge if it is below
  if (size < sizeof *result || at > size - sizeof *result) {
    memory.beyond_copy = memory.beyond_copy || (at >= size && at - size < most_stack_bytes);
    return false;
  }
  std::memcpy(result, copy.stack.data() + at, sizeof *result);
  return true;
}

// DWARF register numbers of the System V ABI for x86-64, figure 3.36.
bool set_registers(Dwfl_Thread* thread, void* argument) {
  const auto& r = static_cast<dwfl_memory*>(argument)->thread->what->registers;
  const std::array<Dwarf_Word, 17> in_order{r.rax, r.rdx, r.rcx, r.rbx, r.rsi, r.rdi, r.rbp, r.rsp, r.r8,
                                            r.r9,  r.r10, r.r11, r.r12, r.r13, r.r14, r.r15, r.rip};
  return ::dwfl_thread_state_registers(thread, 0, in_order.size(), in_order.data());
}

constexpr Dwfl_Callbacks module_callbacks{.find_elf = find_elf,
                                          .find_debuginfo = find_debuginfo,
                                          .section_address = nullptr,
                                          .debuginfo_path = nullptr};
constexpr Dwfl_Thread_Callbacks thread_callbacks{.next_thread = next_thread,
                                                 .get_thread = get_thread,
                                                 .memory_read = read_memory,
                                                 .set_initial_registers = set_registers,
                                                 .detach = nullptr,
                                                 .thread_detach = nullptr};

void report(Dwfl* dwfl, std::span<module_file> modules) {
  ::dwfl_report_begin(dwfl);
  for (auto& file : modules) {
    // By number: libdwfl takes some names, such as "x (deleted)", for more than names.
    const auto name = fmt::format("{}", &file - modules.data());
    auto* const module = ::dwfl_report_module(dwfl, name.c_str(), file.begin, file.end);
    void** userdata = nullptr;
    if (module == nullptr) continue;
    ::dwfl_module_info(module, &userdata, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
    *userdata = &file;
  }
  ::dwfl_report_end(dwfl, nullptr, nullptr);
}

}  // namespace

dwfl_handle begin_dwfl(pid_t pid, std::span<module_file> modules, dwfl_memory& memory) {
  dwfl_handle dwfl{::dwfl_begin(&module_callbacks)};
  if (dwfl) report(dwfl.get(), modules);
  if (!dwfl || !::dwfl_attach_state(dwfl.get(), nullptr, pid, &thread_callbacks, &memory))
    throw std::runtime_error(fmt::format("libdwfl: {}", ::dwfl_errmsg(-1)));
  return dwfl;
}

}  // namespace unwedge::inspect
