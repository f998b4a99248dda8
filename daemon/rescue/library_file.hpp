// Functions of a shared library, found in its file with bounds of our own: everything is given in file
// offsets, since a memory map tells where those lie. 64-bit ELF (elf(5)), little endian.
#pragma once

#include "daemon/inspect/build_id.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace unwedge::rescue {

using inspect::file_bytes;

struct file_function {
  std::uint64_t offset = 0;  ///< in the file, of its first byte
  std::uint64_t size = 0;    ///< bytes; 0: the file does not say
};

/// The exported functions `names`, in that order. Error (a sentence): no such file, one is missing, there are
/// several of one name at different places, or it is no plain function (an ifunc). Reads at most 8 MiB.
std::expected<std::vector<file_function>, std::string> find_functions(
    const file_bytes& file, std::span<const std::string_view> names);

/// The offset of the first occurrence of `pattern` in the file's code. nullopt: none in its first 16 MiB.
std::optional<std::uint64_t> find_in_code(const file_bytes& file, std::span<const std::byte> pattern);

}  // namespace unwedge::rescue
