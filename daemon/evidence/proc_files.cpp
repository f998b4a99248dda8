#include "daemon/evidence/proc_files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace unwedge::evidence {

std::expected<std::string_view, int> proc_reader::read(int dir, const char* path) {
  const file_descriptor file{::openat(dir, path, O_RDONLY | O_CLOEXEC)};
  if (!file) return std::unexpected(errno);
  std::size_t used = 0;
  while (used < size) {
    const auto got = ::read(file.get(), buffer_.get() + used, size - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(errno);
    used += static_cast<std::size_t>(got);
    // These files come whole, or at least in pages: a short read is the end, and saves a second system call.
    if (got < 1024) break;
  }
  return std::string_view{buffer_.get(), used};
}

std::expected<std::string_view, int> proc_reader::link(int dir, const char* path) {
  const auto got = ::readlinkat(dir, path, buffer_.get(), 4096);
  if (got < 0) return std::unexpected(errno);
  return std::string_view{buffer_.get(), static_cast<std::size_t>(got)};
}

std::expected<std::string, int> read_whole(int dir, const char* path, std::size_t most) {
  const file_descriptor file{::openat(dir, path, O_RDONLY | O_CLOEXEC)};
  if (!file) return std::unexpected(errno);
  std::string out;
  std::array<char, 8192> part;
  while (out.size() < most) {
    const auto got = ::read(file.get(), part.data(), std::min(part.size(), most - out.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(errno);
    if (got == 0) break;
    out.append(part.data(), static_cast<std::size_t>(got));
  }
  return out;
}

std::expected<numbers, int> list_numbers(int dir, const char* path, std::size_t limit) {
  const file_descriptor folder{::openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!folder) return std::unexpected(errno);
  numbers result;
  alignas(dirent64) std::array<char, 8192> entries;
  for (;;) {
    const auto got = ::syscall(SYS_getdents64, folder.get(), entries.data(), entries.size());
    if (got < 0) return std::unexpected(errno);
    if (got == 0) return result;
    for (long at = 0; at < got;) {
      const char* const entry = entries.data() + at;
      unsigned short length = 0;
      std::memcpy(&length, entry + offsetof(dirent64, d_reclen), sizeof length);
      at += length;
      const std::string_view name = entry + offsetof(dirent64, d_name);
      int value = 0;
      const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), value);
      if (error != std::errc{} || end != name.data() + name.size()) continue;  // "." and ".."
      if (result.found.size() == limit) {
        result.cut = true;
        return result;
      }
      result.found.push_back(value);
    }
  }
}

std::optional<std::int64_t> number_after(std::string_view text, std::string_view key) {
  for (auto at = text.find(key); at != text.npos; at = text.find(key, at + 1)) {
    if (at != 0 && text[at - 1] != '\n') continue;
    auto rest = text.substr(at + key.size());
    const auto digit = rest.find_first_not_of(" \t");
    if (digit == rest.npos) return std::nullopt;
    rest.remove_prefix(digit);
    std::int64_t value = 0;
    if (std::from_chars(rest.data(), rest.data() + rest.size(), value).ec != std::errc{}) return std::nullopt;
    return value;
  }
  return std::nullopt;
}

std::string error_text(int error) {
  if (error == EPERM || error == EACCES) return "not permitted";
  return std::generic_category().message(error);
}

}  // namespace unwedge::evidence
