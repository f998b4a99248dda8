// Policies: TOML texts -> checked policies, or everything that is wrong with them. Used at start, on reload,
// and by `check`. Reads two folders; no other I/O, no state, any thread. Decides nothing: the engine does.
#pragma once

#include "daemon/config/problem.hpp"
#include "policies/policy.hpp"

#include <expected>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

namespace unwedge::config {

inline constexpr std::size_t max_policy_files = 256;  ///< of one folder

/// Keys as in docs/configuration.md. `file_name` is for the problems and the policy's source, `policy_name`
/// is taken as it is. All problems are reported, in the file's order; of a text that is no TOML the first
/// only. Never throws for its input.
std::expected<policies::policy, std::vector<problem>> parse_policy(std::string_view text,
                                                                   std::string_view file_name,
                                                                   std::string_view policy_name);

/// The same from a file NAME.toml; nullopt if it is empty or /dev/null, which masks a policy. One that is not
/// a regular file, cannot be read, has more than max_file_bytes or a name that no policy may have is a
/// problem without line.
std::expected<std::optional<policies::policy>, std::vector<problem>> load_policy(
    const std::filesystem::path& file);

struct policy_folders {
  std::filesystem::path vendor;
  std::filesystem::path admin;
};

/// Those that the configuration names.
policy_folders folders_of(const policies::settings&);

/// What holds on this host. Several policies may have the same condition: the engine takes the first, in this
/// order, whose states and match fit.
struct policy_set {
  std::vector<policies::policy> all;  ///< ordered by file name, whatever the folder
};

/// The `*.toml` of both folders, hidden files and sub-folders' aside. A file of `admin` takes the place of
/// the one of the same name of `vendor`; an empty one, or a link to /dev/null, leaves that place empty. A
/// folder that does not exist has no files; for a vendor folder that does not exist the built-in policies
/// stand in. All or nothing: one problem anywhere, and there is no set. Never throws for what is in the
/// folders.
std::expected<policy_set, std::vector<problem>> load_policies(const policy_folders&);

}  // namespace unwedge::config
