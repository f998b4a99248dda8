#include "daemon/config/file.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace unwedge::config {

namespace {

std::unexpected<std::string> failed(std::string_view what) {
  const int error = errno;
  return std::unexpected(fmt::format("{}: {}", what, std::generic_category().message(error)));
}

/// Up to one byte above the limit.
std::expected<std::string, std::string> read_all(int fd) {
  std::string text(max_file_bytes + 1, '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    const auto got = ::read(fd, text.data() + have, text.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("cannot be read");
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  if (have > max_file_bytes) return std::unexpected(std::string{too_large});
  text.resize(have);
  return text;
}

std::expected<file_text, std::string> read_open(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return failed("cannot be read");
  if (S_ISFIFO(status.st_mode)) return std::unexpected("is a fifo, expected a file");
  auto text = read_all(fd);
  if (!text) return std::unexpected(std::move(text.error()));
  // The kernel's numbers of /dev/null (Documentation/admin-guide/devices.txt).
  const bool null_device = S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
  return file_text{std::move(*text), S_ISREG(status.st_mode), null_device};
}

}  // namespace

std::expected<file_text, std::string> read_file(const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return failed("cannot be read");
  auto result = read_open(fd);
  ::close(fd);
  return result;
}

}  // namespace unwedge::config
