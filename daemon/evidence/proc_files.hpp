// Bounded reads below /proc: one reusable buffer, no file longer than it, no directory without a limit. Used
// by the rest of this folder.
#pragma once

#include "daemon/evidence/file_descriptor.hpp"

#include <sys/types.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace unwedge::evidence {

/// Reads small files and links into one buffer of its own. Not thread-safe; one a sample.
class proc_reader {
 public:
  /// The first 16 KiB of a file, relative to `dir`; the view lives until the next call. Error: errno.
  std::expected<std::string_view, int> read(int dir, const char* path);
  /// A symbolic link's target, cut at 4 KiB; the view lives until the next call. Error: errno.
  std::expected<std::string_view, int> link(int dir, const char* path);

 private:
  static constexpr std::size_t size = 16'384;  // "status" is about 1.5 KiB; a Groups: line can make it longer
  std::unique_ptr<char[]> buffer_ = std::make_unique_for_overwrite<char[]>(size);
};

/// A small non-negative number as a C string, for openat(2) and readlinkat(2) without an allocation.
class decimal {
 public:
  explicit decimal(int value) { *std::to_chars(text_, text_ + sizeof text_ - 1, value).ptr = '\0'; }
  const char* c_str() const { return text_; }

 private:
  char text_[16];
};

struct numbers {
  std::vector<int> found;
  bool cut = false;  ///< there were more than the limit
};

/// The first `most` bytes of a file of any length, relative to `dir`. Error: errno.
std::expected<std::string, int> read_whole(int dir, const char* path, std::size_t most);

/// The entries of a directory (`path` relative to `dir`) that are numbers, as task/ and fd/ have them, at
/// most `limit`. Error: errno.
std::expected<numbers, int> list_numbers(int dir, const char* path, std::size_t limit);

/// The number after the first `key` that begins a line of `text`: number_after(status, "TracerPid:").
std::optional<std::int64_t> number_after(std::string_view text, std::string_view key);

/// "not permitted" for EPERM and EACCES, else the C library's words.
std::string error_text(int error);

}  // namespace unwedge::evidence
