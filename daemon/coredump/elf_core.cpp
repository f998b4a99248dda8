#include "daemon/coredump/elf_core.hpp"

#include <elf.h>
#include <sys/procfs.h>

#include <algorithm>
#include <cstring>

#ifndef __x86_64__
#error "the notes of a core are laid out for x86-64"
#endif

namespace unwedge::coredump {
namespace {

constexpr std::uint64_t page = 4'096;

std::uint64_t aligned(std::uint64_t n, std::uint64_t to) {
  return (n + to - 1) / to * to;
}

class bytes_writer {
 public:
  template <typename T>
    requires std::is_trivially_copyable_v<T>
  void put(const T& value) {
    put_bytes(std::as_bytes(std::span(&value, 1)));
  }
  void put_bytes(std::span<const std::byte> some) { out.insert(out.end(), some.begin(), some.end()); }
  void put_text(std::string_view text) { put_bytes(std::as_bytes(std::span(text))); }
  void fill(std::uint64_t to) { out.resize(aligned(out.size(), to)); }

  std::vector<std::byte> out;
};

void note(bytes_writer& to, std::string_view owner, unsigned type, std::span<const std::byte> what) {
  if (what.empty()) return;
  to.put(Elf64_Nhdr{.n_namesz = static_cast<Elf64_Word>(owner.size() + 1),
                    .n_descsz = static_cast<Elf64_Word>(what.size()),
                    .n_type = type});
  to.put_text(owner);
  to.put(std::byte{0});
  to.fill(4);
  to.put_bytes(what);
  to.fill(4);
}

void status_note(bytes_writer& to, const thread_registers& thread, pid_t process) {
  elf_prstatus status{};
  status.pr_pid = thread.tid;
  status.pr_pgrp = process;
  status.pr_fpvalid = thread.floating.empty() ? 0 : 1;
  std::memcpy(&status.pr_reg, thread.general.data(), std::min(thread.general.size(), sizeof status.pr_reg));
  note(to, "CORE", NT_PRSTATUS, std::as_bytes(std::span(&status, 1)));
}

template <std::size_t N>
void copy_text(char (&into)[N], std::string_view text) {
  std::memcpy(into, text.data(), std::min(text.size(), N - 1));
}

void process_notes(bytes_writer& to, const core_facts& of) {
  elf_prpsinfo info{};
  info.pr_sname = 't';
  info.pr_pid = of.pid;
  copy_text(info.pr_fname, of.comm);
  copy_text(info.pr_psargs, of.command_line);
  note(to, "CORE", NT_PRPSINFO, std::as_bytes(std::span(&info, 1)));
  note(to, "CORE", NT_AUXV, of.auxv);
}

/// Which file lies where: count, page size, {begin, end, offset in pages} each, then their names.
void files_note(bytes_writer& to, const core_facts& of) {
  bytes_writer table, names;
  std::uint64_t count = 0;
  for (const auto& r : of.regions) {
    if (r.inode == 0 || r.path.empty() || r.device) continue;
    ++count;
    table.put(r.begin);
    table.put(r.end);
    table.put(r.offset / page);
    names.put_text(r.path);
    names.put(std::byte{0});
  }
  bytes_writer whole;
  whole.put(count);
  whole.put(page);
  whole.put_bytes(table.out);
  whole.put_bytes(names.out);
  note(to, "CORE", NT_FILE, whole.out);
}

std::vector<std::byte> notes_of(const core_facts& of) {
  bytes_writer to;
  bool first = true;
  for (const auto& thread : of.threads) {
    status_note(to, thread, of.pid);
    if (std::exchange(first, false)) {
      process_notes(to, of);
      files_note(to, of);
    }
    note(to, "CORE", NT_PRFPREG, thread.floating);
    note(to, "LINUX", NT_X86_XSTATE, thread.extended);
  }
  return std::move(to.out);
}

Elf64_Ehdr header_of(std::size_t program_headers) {
  Elf64_Ehdr h{};
  std::memcpy(h.e_ident, ELFMAG, SELFMAG);
  h.e_ident[EI_CLASS] = ELFCLASS64;
  h.e_ident[EI_DATA] = ELFDATA2LSB;
  h.e_ident[EI_VERSION] = EV_CURRENT;
  h.e_type = ET_CORE;
  h.e_machine = EM_X86_64;
  h.e_version = EV_CURRENT;
  h.e_phoff = sizeof h;
  h.e_ehsize = sizeof h;
  h.e_phentsize = sizeof(Elf64_Phdr);
  h.e_phnum = static_cast<Elf64_Half>(program_headers);
  return h;
}

Elf64_Word rights(const segment& s) {
  return (s.readable ? PF_R : 0u) | (s.writable ? PF_W : 0u) | (s.executable ? PF_X : 0u);
}

std::uint64_t before_segments(std::size_t segments, std::size_t notes) {
  return aligned(sizeof(Elf64_Ehdr) + (segments + 1) * sizeof(Elf64_Phdr) + notes, page);
}

}  // namespace

std::uint64_t core_size(const core_facts& of, const std::vector<segment>& segments) {
  auto size = before_segments(segments.size(), notes_of(of).size());
  for (const auto& s : segments) size += s.held;
  return size;
}

std::expected<void, std::string> write_core(const core_facts& of, const std::vector<segment>& segments,
                                            const arena& copy, const sink& to) {
  const auto notes = notes_of(of);
  bytes_writer head;
  head.put(header_of(segments.size() + 1));
  const auto tables = sizeof(Elf64_Ehdr) + (segments.size() + 1) * sizeof(Elf64_Phdr);
  head.put(Elf64_Phdr{.p_type = PT_NOTE,
                      .p_flags = 0,
                      .p_offset = tables,
                      .p_vaddr = 0,
                      .p_paddr = 0,
                      .p_filesz = notes.size(),
                      .p_memsz = 0,
                      .p_align = 4});
  auto offset = before_segments(segments.size(), notes.size());
  for (const auto& s : segments) {
    head.put(Elf64_Phdr{.p_type = PT_LOAD,
                        .p_flags = rights(s),
                        .p_offset = offset,
                        .p_vaddr = s.address,
                        .p_paddr = 0,
                        .p_filesz = s.held,
                        .p_memsz = s.size,
                        .p_align = page});
    offset += s.held;
  }
  head.put_bytes(notes);
  head.fill(page);
  if (auto done = to(head.out); !done) return done;
  for (const auto& s : segments) {
    if (s.held == 0) continue;
    if (auto done = to(copy.from(s.at, s.held)); !done) return done;
  }
  return {};
}

}  // namespace unwedge::coredump
