// Copies the used part of a stopped thread's stack. This is inside the stop: nothing here allocates, opens or
// waits for anything but the memory itself.
#pragma once

#include "daemon/evidence/file_descriptor.hpp"
#include "daemon/evidence/process.hpp"
#include "daemon/inspect/memory_map.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace unwedge::inspect {

inline constexpr std::size_t most_stack_bytes = 65'536;

/// Copies from the stack pointer upwards, to the end of its mapping, 64 KiB at most, by process_vm_readv(2).
/// A page that is not in memory ends the copy (/proc/PID/pagemap): to fetch it could take for ever, on a hung
/// swap device or a userfaultfd, and the thread stands still meanwhile. `of` and `map` outlive it.
class stack_copier {
 public:
  stack_copier(const evidence::process& of, const memory_map& map);

  /// The bytes from `stack_pointer` on; valid until the next call. Empty: nothing is mapped there, or it is
  /// not readable.
  std::span<const std::byte> copy(std::uint64_t stack_pointer);

 private:
  std::size_t wanted(std::uint64_t from) const;
  std::size_t present(std::uint64_t from, std::size_t length) const;

  const evidence::process& of_;
  const memory_map& map_;
  evidence::file_descriptor pagemap_;
  std::vector<std::byte> buffer_;
};

}  // namespace unwedge::inspect
