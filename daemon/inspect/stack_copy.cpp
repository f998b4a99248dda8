#include "daemon/inspect/stack_copy.hpp"

#include <fcntl.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>

namespace unwedge::inspect {

namespace {
constexpr std::uint64_t page = 4096;  // x86-64
constexpr std::size_t most_pages = most_stack_bytes / page + 1;
}  // namespace

stack_copier::stack_copier(const evidence::process& of, const memory_map& map)
    : of_(of),
      map_(map),
      pagemap_(::openat(of.proc_dir(), "pagemap", O_RDONLY | O_CLOEXEC)),
      buffer_(most_stack_bytes) {}  // zeroed, so its pages are there before anybody waits for them

// A stack that was mapped after the map was read: as much as there is.
std::size_t stack_copier::wanted(std::uint64_t from) const {
  const auto* const in = map_.at(from);
  return in == nullptr ? most_stack_bytes : std::min<std::size_t>(in->end - from, most_stack_bytes);
}

// How many of the bytes are in memory, from the first on: bit 63 of a page's word (proc_pid_pagemap(5)).
// Without that file: assume all.
std::size_t stack_copier::present(std::uint64_t from, std::size_t length) const {
  if (!pagemap_) return length;
  const auto first = from / page;
  const auto count = (from + length - 1) / page - first + 1;
  std::array<std::uint64_t, most_pages> words{};
  const auto got = ::pread(pagemap_.get(), words.data(), std::min(count, most_pages) * sizeof words[0],
                           static_cast<off_t>(first * sizeof words[0]));
  const auto read = got < 0 ? 0 : static_cast<std::size_t>(got) / sizeof words[0];
  std::size_t pages = 0;
  while (pages < read && words[pages] >> 63 != 0) ++pages;
  return pages == 0 ? 0 : std::min<std::size_t>(length, (first + pages) * page - from);
}

std::span<const std::byte> stack_copier::copy(std::uint64_t stack_pointer) {
  if (stack_pointer == 0 || stack_pointer >> 47 != 0) return {};
  const auto length = present(stack_pointer, wanted(stack_pointer));
  if (length == 0) return {};
  const iovec local{buffer_.data(), length};
  // The kernel's interface is an address as a pointer; it is never dereferenced here.
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  const iovec remote{reinterpret_cast<void*>(stack_pointer), length};
  const auto got = ::process_vm_readv(of_.pid(), &local, 1, &remote, 1, 0);
  return std::span{buffer_}.first(got < 0 ? 0 : static_cast<std::size_t>(got));
}

}  // namespace unwedge::inspect
