// A small JSON object in the state folder: read at start, replaced as a whole. Blocks; errors in a sentence.
#pragma once

#include <boost/json.hpp>

#include <expected>
#include <filesystem>
#include <string>

namespace unwedge::watch {

/// Empty if there is no such file; an error if it is no JSON object. Reads at most 1 MiB.
std::expected<boost::json::object, std::string> read_state_file(const std::filesystem::path&);

/// Atomic and durable (incidents::replace_file_at).
std::expected<void, std::string> write_state_file(const std::filesystem::path&, const std::string& text);

}  // namespace unwedge::watch
