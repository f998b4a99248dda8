// The texts of policies/shipped, compiled in: for a host without the vendor's folder. builtin_policies.cpp is
// made of them by builtin_policies.cmake at build time.
#pragma once

#include <span>
#include <string_view>

namespace unwedge::config {

struct builtin_policy {
  std::string_view name;  ///< of the file, without ".toml"
  std::string_view text;
};

/// In the order of their names.
std::span<const builtin_policy> builtin_policies();

}  // namespace unwedge::config
