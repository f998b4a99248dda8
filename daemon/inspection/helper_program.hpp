// Where the programs are that the daemon runs: unwedge-inspect, unwedge-core.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace unwedge::inspection {

/// One of ours: beside our own program, as in a build tree; else the installed one.
std::filesystem::path own_program(std::string_view name);

/// unwedge-inspect: the configured one, else our own.
std::filesystem::path helper_program(const std::optional<std::string>& configured);

}  // namespace unwedge::inspection
