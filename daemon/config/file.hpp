// Reads a file of the configuration without being made to wait or to swallow a device. Used by load.cpp and
// layered_files.cpp; knows nothing of what is in it.
#pragma once

#include <cstddef>
#include <expected>
#include <filesystem>
#include <string>
#include <string_view>

namespace unwedge::config {

inline constexpr std::size_t max_file_bytes = 1u << 20;
inline constexpr std::string_view too_large = "is larger than 1 MiB, the limit for a configuration";

struct file_text {
  std::string text;
  bool regular = false;
  bool null_device = false;  ///< it is /dev/null, or a symbolic link there
};

/// One that cannot be read, is a folder or a fifo, or has more than max_file_bytes is an error that reads on
/// from the file's name ("cannot be read: Is a directory"). Never waits for a terminal or a device.
std::expected<file_text, std::string> read_file(const std::filesystem::path& file);

}  // namespace unwedge::config
