// How much is kept of what a QEMU says: it may be hostile.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace unwedge::policies {

inline constexpr std::size_t max_jobs = 256;
inline constexpr std::size_t max_nodes = 4'096;
inline constexpr std::size_t text_bytes = 256;

inline std::string kept(std::string_view s) {
  return std::string(s.substr(0, text_bytes));
}

}  // namespace unwedge::policies
