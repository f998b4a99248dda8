// The texts of policies/shipped and policies/signatures, compiled in: for a host without the vendor's
// folders. Their .cpp are made by builtin_texts.cmake at build time.
#pragma once

#include <span>
#include <string_view>

namespace unwedge::config {

struct builtin_text {
  std::string_view name;  ///< of the file, without ".toml"
  std::string_view text;
};

/// In the order of their names.
std::span<const builtin_text> builtin_policies();
std::span<const builtin_text> builtin_signatures();

}  // namespace unwedge::config
