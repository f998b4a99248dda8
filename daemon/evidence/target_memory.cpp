#include "daemon/evidence/target_memory.hpp"

#include <fcntl.h>
#include <sys/uio.h>

#include <cerrno>

namespace unwedge::evidence {

// Bit 63 of a page's 64-bit word: the page is in RAM (proc_pid_pagemap(5)). Without that file: assume so.
bool target_memory::present(std::uint64_t address, std::size_t length) {
  if (!tried_) pagemap_ = file_descriptor{::openat(of_.proc_dir(), "pagemap", O_RDONLY | O_CLOEXEC)};
  tried_ = true;
  if (!pagemap_) return true;
  static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  for (auto at = address / page; at <= (address + length - 1) / page; ++at) {
    std::uint64_t word = 0;
    const auto offset = static_cast<off_t>(at * sizeof word);
    if (::pread(pagemap_.get(), &word, sizeof word, offset) != sizeof word) return false;
    if ((word >> 63) == 0) return false;
  }
  return true;
}

std::expected<void, int> target_memory::read(std::uint64_t address, std::span<std::byte> into) {
  if (into.empty()) return {};
  if (address == 0 || (address >> 56) != 0) return std::unexpected(EFAULT);
  if (!present(address, into.size())) return std::unexpected(EAGAIN);
  const iovec local{into.data(), into.size()};
  // The kernel's interface is an address as a pointer; it is never dereferenced here.
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  const iovec remote{reinterpret_cast<void*>(address), into.size()};
  const auto got = ::process_vm_readv(of_.pid(), &local, 1, &remote, 1, 0);
  if (got < 0) return std::unexpected(errno);
  if (static_cast<std::size_t>(got) != into.size()) return std::unexpected(EFAULT);
  return {};
}

}  // namespace unwedge::evidence
