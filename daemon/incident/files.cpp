#include "daemon/incident/files.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>

namespace unwedge::incidents {

file_descriptor::~file_descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

std::string errno_text(std::string_view what) {
  const int error = errno;
  return fmt::format("{}: {}", what, std::generic_category().message(error));
}

std::expected<file_descriptor, std::string> open_at(int folder, const std::string& name, int flags) {
  file_descriptor fd{::openat(folder, name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (fd.get() < 0) return std::unexpected(errno_text("open " + name));
  return fd;
}

std::expected<void, std::string> sync_folder(int folder) {
  if (::fsync(folder) != 0) return std::unexpected(errno_text("fsync of the folder"));
  return {};
}

std::expected<void, std::string> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return std::unexpected(errno_text("write"));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

std::expected<std::string, std::string> read_file_at(int folder, const std::string& name, std::size_t limit) {
  // O_NONBLOCK: somebody may have put a fifo there.
  auto fd = open_at(folder, name, O_RDONLY | O_NONBLOCK);
  if (!fd) return std::unexpected(fd.error());
  struct stat status{};
  if (::fstat(fd->get(), &status) != 0) return std::unexpected(errno_text("stat " + name));
  if (!S_ISREG(status.st_mode)) return std::unexpected(name + " is not a regular file");
  if (static_cast<std::size_t>(status.st_size) > limit) {
    return std::unexpected(
        fmt::format("{} has {} bytes, above the limit of {}", name, status.st_size, limit));
  }
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const auto got = ::read(fd->get(), bytes.data() + have, bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(errno_text("read " + name));
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

namespace {

std::expected<void, std::string> write_new_file(int folder, const std::string& name, std::string_view bytes) {
  const auto fd = open_at(folder, name, O_WRONLY | O_CREAT | O_TRUNC);
  if (!fd) return std::unexpected(fd.error());
  if (auto written = write_all(fd->get(), bytes); !written) return written;
  if (::fsync(fd->get()) != 0) return std::unexpected(errno_text("fsync"));
  return {};
}

}  // namespace

std::expected<void, std::string> replace_file_at(int folder, const std::string& name,
                                                 std::string_view bytes) {
  const auto temporary = fmt::format(".{}.new", name);
  auto written = write_new_file(folder, temporary, bytes);
  if (written && ::renameat(folder, temporary.c_str(), folder, name.c_str()) != 0) {
    written = std::unexpected(errno_text("rename"));
  }
  if (!written) {
    ::unlinkat(folder, temporary.c_str(), 0);
    return std::unexpected(fmt::format("{}: {}", name, written.error()));
  }
  return sync_folder(folder);
}

}  // namespace unwedge::incidents
