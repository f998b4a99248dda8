// Signatures of known bugs: TOML texts -> checked signatures, or everything that is wrong with them. Used at
// start, on reload, and by `check`. Reads two folders; no other I/O, no state, any thread.
#pragma once

#include "daemon/config/problem.hpp"
#include "policies/settings.hpp"
#include "policies/signature.hpp"

#include <expected>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

namespace unwedge::config {

inline constexpr std::size_t max_signature_files = 256;  ///< of one folder

/// Keys as in docs/signatures.md. As parse_policy: all problems are reported, never throws for its input.
std::expected<policies::signature, std::vector<problem>> parse_signature(std::string_view text,
                                                                         std::string_view file_name,
                                                                         std::string_view signature_name);

/// The same from a file NAME.toml; nullopt if it is empty or /dev/null, which masks a signature.
std::expected<std::optional<policies::signature>, std::vector<problem>> load_signature(
    const std::filesystem::path& file);

/// Of the folders that the configuration names, layered as the policies are (load_policies): ordered by file
/// name, all or nothing, the built-in ones in the place of a vendor's folder that does not exist.
std::expected<std::vector<policies::signature>, std::vector<problem>> load_signatures(
    const policies::signature_folder_settings&);

}  // namespace unwedge::config
