#include "daemon/rescue/swapped.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>

namespace unwedge::rescue {

namespace {
constexpr std::uint64_t page = 4'096, in_swap = std::uint64_t{1} << 62;  // x86-64
constexpr std::size_t most_pages = 32;
}  // namespace

swapped_pages::swapped_pages(const evidence::process& of)
    : pagemap_(::openat(of.proc_dir(), "pagemap", O_RDONLY | O_CLOEXEC)) {}

bool swapped_pages::any_swapped(std::uint64_t begin, std::uint64_t end) const {
  const auto first = begin / page, count = (end - 1) / page - first + 1;
  std::array<std::uint64_t, most_pages> words{};
  if (!pagemap_ || count > most_pages) return true;
  const auto bytes = count * sizeof words[0];
  if (::pread(pagemap_.get(), words.data(), bytes, static_cast<off_t>(first * sizeof words[0])) !=
      static_cast<ssize_t>(bytes))
    return true;
  return std::any_of(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(count),
                     [](std::uint64_t w) { return (w & in_swap) != 0; });
}

}  // namespace unwedge::rescue
