// The build id in an ELF file, read with bounds of our own: it is needed before the sandbox closes, to open
// the debug file that belongs to it.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>

namespace unwedge::inspect {

/// Reads `into.size()` bytes at `offset`, all or nothing.
using file_bytes = std::function<bool(std::size_t offset, std::span<std::byte> into)>;

/// In hexadecimal, from the NT_GNU_BUILD_ID note of a 64-bit ELF file (elf(5)). Empty: it has none, or is not
/// such a file. Never reads more than 64 program headers and 4 KiB of notes each.
std::string build_id(const file_bytes& file);

}  // namespace unwedge::inspect
