// Owner of one file descriptor. Closes it, never duplicates it.
#pragma once

#include <unistd.h>

#include <utility>

namespace unwedge::evidence {

class file_descriptor {
 public:
  file_descriptor() = default;
  explicit file_descriptor(int fd) noexcept : fd_(fd) {}
  file_descriptor(file_descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  file_descriptor& operator=(file_descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~file_descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }

  /// The descriptor's number; -1 if it owns none.
  int get() const noexcept { return fd_; }
  /// Gives it up: whoever takes the number closes it.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

}  // namespace unwedge::evidence
