// The memory of a process at rest, copied into ours: what is in use of the regions that a core holds. Reads
// only; writes nothing anywhere else.
#pragma once

#include "daemon/coredump/regions.hpp"
#include "daemon/evidence/process.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>

namespace unwedge::coredump {

/// One PT_LOAD of a core.
struct segment {
  std::uint64_t address = 0, size = 0;
  std::uint64_t held = 0;  ///< bytes from its begin that the core holds
  std::size_t at = 0;      ///< where they lie in the copy
  bool readable = false, writable = false, executable = false;
};

/// A room for the copy, in memory before anything is stopped.
class arena {
 public:
  /// Error: no memory.
  static std::expected<arena, std::string> make(std::size_t bytes);
  ~arena();
  arena(arena&& other) noexcept : base_(other.base_), size_(other.size_), used_(other.used_) {
    other.base_ = nullptr;
  }
  arena& operator=(arena&&) = delete;

  /// The next free `bytes`; empty: it is full.
  std::span<std::byte> take(std::size_t bytes);
  std::size_t used() const { return used_; }
  std::span<const std::byte> from(std::size_t at, std::size_t bytes) const { return {base_ + at, bytes}; }

 private:
  arena(std::byte* base, std::size_t size) : base_(base), size_(size) {}
  std::byte* base_;
  std::size_t size_, used_ = 0;
};

/// Copies what `regions` (by address, flags carried over) hold for a core, in process_vm_readv(2). Pages that
/// cannot be read are zero. Error: it is more than fits, or too scattered for a core.
std::expected<std::vector<segment>, std::string> copy_memory(const evidence::process& of,
                                                             const std::vector<region>& regions, arena& into);

}  // namespace unwedge::coredump
