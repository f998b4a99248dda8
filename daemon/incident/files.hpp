// The few file operations that a durable folder needs, each with what was tried in its error. Nothing here
// knows incidents. All names are relative to an open folder, so that nobody can swap a path below us.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace unwedge::incidents {

/// Owns a file descriptor; closes it. -1: none.
class file_descriptor {
 public:
  explicit file_descriptor(int fd = -1) : fd_(fd) {}
  ~file_descriptor();
  file_descriptor(file_descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  file_descriptor& operator=(file_descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  int get() const { return fd_; }

 private:
  int fd_;
};

/// "WHAT: No space left on device", from errno.
std::string errno_text(std::string_view what);

/// Opens below `folder` (or AT_FDCWD) with O_CLOEXEC and O_NOFOLLOW; a file that is created gets mode 0600.
std::expected<file_descriptor, std::string> open_at(int folder, const std::string& name, int flags);

/// Makes a folder's entries durable.
std::expected<void, std::string> sync_folder(int folder);

/// Writes all of it; on error some of it may be written.
std::expected<void, std::string> write_all(int fd, std::string_view bytes);

/// Reads a regular file from its beginning. Error: above `limit` bytes.
std::expected<std::string, std::string> read_file_at(int folder, const std::string& name, std::size_t limit);

/// `name` holds `bytes` durably, or is as it was: written beside it, fsynced, renamed over it.
std::expected<void, std::string> replace_file_at(int folder, const std::string& name, std::string_view bytes);

}  // namespace unwedge::incidents
