// The daemon's command line (contract: design.md).
#pragma once

#include <expected>
#include <filesystem>
#include <optional>
#include <string>

namespace unwedge {

struct options {
  std::optional<std::filesystem::path> config;  ///< nullopt: the default path, if it exists
  std::filesystem::path runtime_dir;
  std::filesystem::path state_dir;
  std::string bus = "none";
  std::optional<std::string> http;  ///< overrides the configuration
  bool check = false;
  bool dry_run = false;
  bool verbose = false;
};

/// nullopt: nothing more to do (--help, --version), `status` is the exit status; otherwise usage errors end
/// with 2.
std::optional<options> parse_options(int argc, char** argv, int& status);

}  // namespace unwedge
