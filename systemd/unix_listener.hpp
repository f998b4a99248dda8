// A listening unix socket at a path that this process owns. Used by the bus and HTTP servers.
#pragma once

#include <sys/types.h>

#include <expected>
#include <filesystem>
#include <string>

namespace unwedge::systemd {

/// Owns the socket's path for its lifetime: an flock on `<path>.lock`, and the socket file itself, which it
/// removes at the end if it is still the one it made. The lock file stays: removing it would race with the
/// next owner.
class unix_listener {
 public:
  /// Binds and listens (close-on-exec, non-blocking). The socket appears with `mode` at once, whatever the
  /// umask. A socket that a dead process left behind is replaced; one that answers, or whose lock is held, is
  /// the error "another unwedged runs here: PATH". A file that is no socket is never removed. Does not block.
  static std::expected<unix_listener, std::string> open(std::filesystem::path path, mode_t mode);

  unix_listener(unix_listener&& other) noexcept;
  unix_listener& operator=(unix_listener&&) = delete;
  ~unix_listener();

  /// Gives the listening descriptor away, once; the path stays owned here.
  int release_fd();

 private:
  explicit unix_listener(std::filesystem::path path) : path_(std::move(path)) {}
  std::expected<void, std::string> lock();
  std::expected<void, std::string> remove_stale() const;
  std::expected<void, std::string> bind(mode_t mode);

  std::filesystem::path path_;
  int lock_ = -1;
  int fd_ = -1;
  dev_t device_ = 0;
  ino_t inode_ = 0;  ///< of the socket file, 0 before it exists
};

}  // namespace unwedge::systemd
