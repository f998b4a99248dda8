// Where the programs are that belong to the daemon: unwedge-inspect, unwedge-core, unwedge-rescue.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace unwedge::child {

/// The configured one; else beside our own program, as in a build tree; else the installed one.
std::filesystem::path own_program(std::string_view name, const std::optional<std::string>& configured = {});

}  // namespace unwedge::child
