#include "daemon/rescue/library_file.hpp"

#include <fmt/format.h>

#include <elf.h>

#include <algorithm>
#include <cstring>

namespace unwedge::rescue {

namespace {

constexpr std::size_t most_headers = 256;
constexpr std::size_t most_table = 4 << 20;
constexpr std::size_t most_code = 16 << 20;

template <typename Plain>
std::optional<Plain> read_as(const file_bytes& file, std::uint64_t offset) {
  Plain value;
  if (!file(offset, std::as_writable_bytes(std::span{&value, 1}))) return std::nullopt;
  return value;
}

std::optional<Elf64_Ehdr> header_of(const file_bytes& file) {
  const auto header = read_as<Elf64_Ehdr>(file, 0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
      header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
      header->e_phentsize != sizeof(Elf64_Phdr) || header->e_shentsize != sizeof(Elf64_Shdr) ||
      header->e_phnum > most_headers || header->e_shnum > most_headers)
    return std::nullopt;
  return header;
}

std::vector<Elf64_Phdr> code_segments(const file_bytes& file, const Elf64_Ehdr& header) {
  std::vector<Elf64_Phdr> found;
  for (std::size_t i = 0; i < header.e_phnum; ++i) {
    const auto segment = read_as<Elf64_Phdr>(file, header.e_phoff + i * sizeof(Elf64_Phdr));
    if (segment && segment->p_type == PT_LOAD && (segment->p_flags & PF_X) != 0) found.push_back(*segment);
  }
  return found;
}

struct dynamic_symbols {
  std::vector<Elf64_Sym> symbols;
  std::string names;
};

std::optional<std::vector<std::byte>> table(const file_bytes& file, const Elf64_Shdr& section) {
  if (section.sh_size > most_table) return std::nullopt;
  std::vector<std::byte> bytes(section.sh_size);
  if (!file(section.sh_offset, bytes)) return std::nullopt;
  return bytes;
}

std::optional<dynamic_symbols> symbols_of(const file_bytes& file, const Elf64_Ehdr& header) {
  const auto section = [&](std::size_t i) {
    return read_as<Elf64_Shdr>(file, header.e_shoff + i * sizeof(Elf64_Shdr));
  };
  for (std::size_t i = 0; i < header.e_shnum; ++i) {
    const auto symbols = section(i);
    if (!symbols) return std::nullopt;
    if (symbols->sh_type != SHT_DYNSYM || symbols->sh_entsize != sizeof(Elf64_Sym)) continue;
    const auto names = symbols->sh_link < header.e_shnum ? section(symbols->sh_link) : std::nullopt;
    const auto entries = table(file, *symbols), text = names ? table(file, *names) : std::nullopt;
    if (!entries || !text || text->empty()) return std::nullopt;
    dynamic_symbols made;
    made.symbols.resize(entries->size() / sizeof(Elf64_Sym));
    std::memcpy(made.symbols.data(), entries->data(), made.symbols.size() * sizeof(Elf64_Sym));
    made.names.assign(reinterpret_cast<const char*>(text->data()), text->size());
    made.names.back() = '\0';
    return made;
  }
  return std::nullopt;
}

std::expected<Elf64_Sym, std::string> find_symbol(const dynamic_symbols& in, std::string_view name) {
  std::optional<Elf64_Sym> found;
  for (const auto& symbol : in.symbols) {
    if (symbol.st_shndx == SHN_UNDEF || symbol.st_name >= in.names.size()) continue;
    // Not by its length: a hostile table is one name of megabytes, and as many symbols begin in it.
    const auto rest = std::string_view{in.names}.substr(symbol.st_name);
    if (rest.size() <= name.size() || !rest.starts_with(name) || rest[name.size()] != '\0') continue;
    if (found && found->st_value != symbol.st_value)
      return std::unexpected(fmt::format("it has {} at several places", name));
    found = symbol;
  }
  if (!found) return std::unexpected(fmt::format("it has no {}", name));
  if (ELF64_ST_TYPE(found->st_info) != STT_FUNC)
    return std::unexpected(fmt::format("its {} is no plain function", name));
  return *found;
}

std::optional<std::uint64_t> offset_of(std::span<const Elf64_Phdr> code, std::uint64_t address) {
  for (const auto& segment : code)
    if (address >= segment.p_vaddr && address - segment.p_vaddr < segment.p_filesz)
      return segment.p_offset + (address - segment.p_vaddr);
  return std::nullopt;
}

}  // namespace

std::expected<std::vector<file_function>, std::string> find_functions(
    const file_bytes& file, std::span<const std::string_view> names) {
  const auto header = header_of(file);
  if (!header) return std::unexpected("it is no 64-bit ELF file of this kind");
  const auto symbols = symbols_of(file, *header);
  if (!symbols) return std::unexpected("its dynamic symbols cannot be read");
  const auto code = code_segments(file, *header);
  std::vector<file_function> found;
  for (const auto name : names) {
    const auto symbol = find_symbol(*symbols, name);
    if (!symbol) return std::unexpected(symbol.error());
    const auto offset = offset_of(code, symbol->st_value);
    if (!offset) return std::unexpected(fmt::format("its {} lies outside its code", name));
    found.push_back({.offset = *offset, .size = symbol->st_size});
  }
  return found;
}

std::optional<std::uint64_t> find_in_code(const file_bytes& file, std::span<const std::byte> pattern) {
  const auto header = header_of(file);
  if (!header || pattern.empty()) return std::nullopt;
  for (const auto& segment : code_segments(file, *header)) {
    std::vector<std::byte> code(std::min<std::size_t>(segment.p_filesz, most_code));
    if (!file(segment.p_offset, code)) continue;
    const auto at = std::ranges::search(code, pattern);
    if (!at.empty()) return segment.p_offset + static_cast<std::uint64_t>(at.begin() - code.begin());
  }
  return std::nullopt;
}

}  // namespace unwedge::rescue
