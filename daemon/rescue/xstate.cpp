#include "daemon/rescue/xstate.hpp"

#include <fmt/format.h>

#include <cpuid.h>

#include <algorithm>
#include <cstring>

namespace unwedge::rescue::x86_64 {

namespace {

constexpr std::size_t software_bytes = 464;  // of the 512 legacy ones, free for the kernel's use
constexpr unsigned legacy_features = 2;      // x87 and SSE, in the legacy part
constexpr unsigned pkru = 9;
constexpr unsigned tile_data = 18;  // AMX: in a thread's state only once it has used it

// asm/sigcontext.h, which glibc's own header does not go along with.
struct fpx_sw_bytes {
  std::uint32_t magic1;
  std::uint32_t extended_size;  ///< with the second magic word
  std::uint64_t features;       ///< that the image holds
  std::uint32_t size;           ///< without it
  std::uint32_t padding[7];
};
static_assert(sizeof(fpx_sw_bytes) == legacy_xstate - software_bytes);
constexpr std::uint32_t magic1 = 0x46505853, magic2 = 0x46505845;

std::uint64_t word(std::span<const std::byte> image, std::size_t at) {
  std::uint64_t value = 0;
  std::memcpy(&value, image.data() + at, sizeof value);
  return value;
}

}  // namespace

std::size_t cpu_xstate_end(unsigned i) {
  unsigned size = 0, offset = 0, flags = 0, none = 0;
  if (__get_cpuid_count(0xd, i, &size, &offset, &flags, &none) == 0 || (flags & 1) != 0) return 0;
  return size == 0 ? 0 : std::size_t{offset} + size;
}

std::expected<std::size_t, std::string> to_signal_frame(std::span<std::byte> image, std::size_t used,
                                                        xstate_end end_of) {
  if (used < legacy_xstate + xstate_header || image.size() < used + sizeof(std::uint32_t))
    return std::unexpected(fmt::format("a state of {} bytes is no XSAVE area", used));
  const auto enabled = word(image, software_bytes);  // where ptrace tells XCR0
  auto in_use = word(image, legacy_xstate);
  // What is not in use is put back as the CPU's initial state. That of PKRU is not Linux's.
  if ((enabled >> pkru & 1) != 0) in_use |= std::uint64_t{1} << pkru;
  in_use |= 3;
  std::memcpy(image.data() + legacy_xstate, &in_use, sizeof in_use);
  std::size_t size = legacy_xstate + xstate_header;
  for (unsigned i = legacy_features; i < 63; ++i) {
    if ((in_use >> i & 1) == 0 && ((enabled >> i & 1) == 0 || i == tile_data)) continue;
    const auto end = end_of(i);
    if (end == 0 || end > used) return std::unexpected(fmt::format("its feature {} is not known", i));
    size = std::max(size, end);
  }
  const fpx_sw_bytes words{.magic1 = magic1,
                           .extended_size = static_cast<std::uint32_t>(size + sizeof magic2),
                           .features = in_use,
                           .size = static_cast<std::uint32_t>(size),
                           .padding = {}};
  std::memcpy(image.data() + software_bytes, &words, sizeof words);
  // Linux 6.15 and a few after it look for the second word where the thread's own state ends, whatever the
  // first ones say. That is there, unless it has room for AMX and does not use it: then where ptrace's ends.
  std::memcpy(image.data() + size, &magic2, sizeof magic2);
  std::memcpy(image.data() + used, &magic2, sizeof magic2);
  return used + sizeof magic2;
}

}  // namespace unwedge::rescue::x86_64
