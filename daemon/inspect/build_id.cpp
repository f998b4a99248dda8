#include "daemon/inspect/build_id.hpp"

#include <fmt/format.h>

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

namespace unwedge::inspect {

namespace {

template <typename Plain>
std::optional<Plain> read_as(const file_bytes& file, std::size_t offset) {
  Plain value;
  if (!file(offset, std::as_writable_bytes(std::span{&value, 1}))) return std::nullopt;
  return value;
}

std::size_t padded(std::size_t size) {
  return (size + 3) & ~std::size_t{3};
}

// Notes are: header, name, description, each padded to four bytes.
std::string id_in(std::span<const std::byte> notes) {
  constexpr std::size_t longest = 64;
  while (notes.size() >= sizeof(Elf64_Nhdr)) {
    Elf64_Nhdr note;
    std::memcpy(&note, notes.data(), sizeof note);
    notes = notes.subspan(sizeof note);
    const auto name = padded(note.n_namesz), size = padded(note.n_descsz);
    if (name > notes.size() || size > notes.size() - name) return {};
    const bool gnu = note.n_namesz == sizeof ELF_NOTE_GNU &&
                     std::memcmp(notes.data(), ELF_NOTE_GNU, sizeof ELF_NOTE_GNU) == 0;
    if (gnu && note.n_type == NT_GNU_BUILD_ID && note.n_descsz > 1 && note.n_descsz <= longest) {
      std::string id;
      for (const auto b : notes.subspan(name, note.n_descsz))
        id += fmt::format("{:02x}", std::to_integer<int>(b));
      return id;
    }
    notes = notes.subspan(name + size);
  }
  return {};
}

}  // namespace

std::string build_id(const file_bytes& file) {
  constexpr std::size_t most_headers = 64, most_notes = 4096;
  const auto header = read_as<Elf64_Ehdr>(file, 0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
      header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_phentsize != sizeof(Elf64_Phdr))
    return {};
  for (std::size_t i = 0; i < std::min<std::size_t>(header->e_phnum, most_headers); ++i) {
    const auto segment = read_as<Elf64_Phdr>(file, header->e_phoff + i * sizeof(Elf64_Phdr));
    if (!segment) return {};
    if (segment->p_type != PT_NOTE) continue;
    std::vector<std::byte> notes(std::min<std::size_t>(segment->p_filesz, most_notes));
    if (!file(segment->p_offset, notes)) continue;
    if (auto id = id_in(notes); !id.empty()) return id;
  }
  return {};
}

}  // namespace unwedge::inspect
