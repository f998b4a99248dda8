// A compressed file that is there whole or not at all: no name in its folder until everything is on disk.
#pragma once

#include "daemon/evidence/file_descriptor.hpp"

#include <zstd.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace unwedge::coredump {

struct file_bounds {
  std::uint64_t most_bytes = 1u << 30;  ///< of the compressed file
  std::uint64_t least_free = 1u << 30;  ///< bytes that stay free on its file system
};

/// zstd into an unnamed file (O_TMPFILE, mode 0600) of a folder; keep() gives it its name. A writer that is
/// destroyed before, or killed, leaves nothing. Where the file system has no unnamed files the name is
/// "NAME.part" until then, removed unless we are killed.
class core_file {
 public:
  /// `folder` stays open in here. Error: no such folder, not permitted, less than least_free free, or the
  /// name exists.
  static std::expected<core_file, std::string> create(const std::string& folder, std::string name,
                                                      file_bounds bounds);
  core_file(core_file&&) = default;
  ~core_file();

  /// Error: the disk is full or fails, or a bound is reached. Nothing more can be done with it then.
  std::expected<void, std::string> write(std::span<const std::byte> bytes);

  /// Ends the compression, waits for the disk, gives the name. The bytes on disk.
  std::expected<std::uint64_t, std::string> keep();

 private:
  struct free_context {
    void operator()(ZSTD_CCtx* c) const { ZSTD_freeCCtx(c); }
  };
  core_file() = default;
  std::expected<void, std::string> compress(ZSTD_inBuffer from, ZSTD_EndDirective how);
  std::expected<void, std::string> put(std::size_t bytes);
  std::expected<void, std::string> enough_space() const;
  std::expected<void, std::string> open();
  std::unexpected<std::string> failed(std::string_view what, int error) const;

  std::string path_;  ///< of the folder, for errors
  std::string name_, part_;
  file_bounds bounds_;
  evidence::file_descriptor folder_, file_;
  std::unique_ptr<ZSTD_CCtx, free_context> zstd_;
  std::vector<std::byte> out_;
  std::uint64_t written_ = 0;
};

}  // namespace unwedge::coredump
