// Reads and writes another process's memory without a look whether it is there: for what is known to be, or
// where to wait for it harms nobody. The one place that writes into a process.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace unwedge::rescue {

/// process_vm_readv(2). All or nothing: false, errno says why.
bool read_remote(pid_t pid, std::uint64_t address, std::span<std::byte> into);

/// process_vm_writev(2). False: not all was written, and nobody knows how much.
bool write_remote(pid_t pid, std::uint64_t address, std::span<const std::byte> what);

}  // namespace unwedge::rescue
