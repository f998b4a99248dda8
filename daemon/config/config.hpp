// The operator's configuration: TOML text -> checked settings, or everything that is wrong with it. Used at
// start, on reload, and by `unwedgectl check`. Reads one file; no other I/O, no state, any thread.
#pragma once

#include "daemon/config/file.hpp"
#include "daemon/config/problem.hpp"
#include "policies/settings.hpp"

#include <expected>
#include <filesystem>
#include <string_view>
#include <vector>

namespace unwedge::config {

/// Keys as in design.md's contracts. All problems are reported, in the file's order; of a text that is no
/// TOML the first only. `file_name` is for the problems. Never throws for its input.
std::expected<policies::settings, std::vector<problem>> parse(std::string_view text,
                                                              std::string_view file_name);

/// The same from a file. One that cannot be read, is a folder or a fifo, or has more than max_file_bytes is a
/// problem without line. Does not wait for a terminal's or a device's input.
std::expected<policies::settings, std::vector<problem>> load(const std::filesystem::path& file);

}  // namespace unwedge::config
