// All that the daemon is configured by: the file, and the folders that it names. Read at start and at each
// reload.
#pragma once

#include "daemon/config/problem.hpp"
#include "policies/policy.hpp"
#include "policies/settings.hpp"
#include "policies/signature.hpp"

#include <expected>
#include <filesystem>
#include <vector>

namespace unwedge {

struct configuration {
  policies::settings settings;
  std::vector<policies::policy> policies;
  std::vector<policies::signature> signatures;
};

/// `file` may be empty: there is none, the defaults hold. Error: every problem of the first part that has
/// any.
std::expected<configuration, std::vector<config::problem>> load_configuration(
    const std::filesystem::path& file);

}  // namespace unwedge
