// What is wrong with a configuration or a policy, before anything uses it: for `unwedgectl check` and
// `unwedged --check`. Reads files; changes nothing.
#pragma once

#include "daemon/config/problem.hpp"

#include <filesystem>
#include <vector>

namespace unwedge::config {

/// Of a main configuration, and if that is sound of the policies and signatures in the folders it names. An
/// empty path means no configuration: the defaults. No problems: all is well.
std::vector<problem> check_all(const std::filesystem::path& config_file);

/// Of a file of any kind: a signature if it lies in a folder called signatures.d or has a `thread` at its top
/// level, a policy if it lies in policies.d or has a `condition`, else a main configuration, as check_all
/// does.
std::vector<problem> check_file(const std::filesystem::path& file);

}  // namespace unwedge::config
