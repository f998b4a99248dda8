// Where unwedge-inspect is.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace unwedge::inspection {

/// The configured one; else one beside our own program, as in a build tree; else the installed one.
std::filesystem::path helper_program(const std::optional<std::string>& configured);

}  // namespace unwedge::inspection
