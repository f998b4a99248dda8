// Reads a few words of another process's memory without stopping it. Used for mutexes and pollfd arrays only.
#pragma once

#include "daemon/evidence/file_descriptor.hpp"
#include "daemon/evidence/process.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

namespace unwedge::evidence {

/// process_vm_readv(2) behind a look into /proc/PID/pagemap: a page that is not in memory is not read, as the
/// fault would run in our thread, and one on a hung swap device, a FUSE file or a userfaultfd (post-copy)
/// never ends. A hostile process can still win the race between look and read; then the calling thread hangs,
/// so never the io thread. Lives no longer than `of`. Not thread-safe.
class target_memory {
 public:
  explicit target_memory(const process& of) : of_(of) {}

  /// Fills all of `into` from `address`, or fails. Error: errno; EAGAIN: not in memory.
  std::expected<void, int> read(std::uint64_t address, std::span<std::byte> into);

 private:
  bool present(std::uint64_t address, std::size_t length);

  const process& of_;
  file_descriptor pagemap_;
  bool tried_ = false;
};

}  // namespace unwedge::evidence
