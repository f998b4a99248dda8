#include "daemon/rescue/remote_memory.hpp"

#include <sys/uio.h>

#include <cerrno>

namespace unwedge::rescue {

namespace {

// The kernel's interface is an address as a pointer; it is never dereferenced here.
iovec at(std::uint64_t address, std::size_t size) {
  return {reinterpret_cast<void*>(address), size};  // NOLINT(performance-no-int-to-ptr)
}

bool whole(ssize_t got, std::size_t wanted) {
  if (got >= 0 && static_cast<std::size_t>(got) != wanted) errno = EFAULT;
  return got >= 0 && static_cast<std::size_t>(got) == wanted;
}

}  // namespace

bool read_remote(pid_t pid, std::uint64_t address, std::span<std::byte> into) {
  const iovec local{into.data(), into.size()}, remote = at(address, into.size());
  return whole(::process_vm_readv(pid, &local, 1, &remote, 1, 0), into.size());
}

bool write_remote(pid_t pid, std::uint64_t address, std::span<const std::byte> what) {
  const iovec local{const_cast<std::byte*>(what.data()), what.size()}, remote = at(address, what.size());
  return whole(::process_vm_writev(pid, &local, 1, &remote, 1, 0), what.size());
}

}  // namespace unwedge::rescue
