#include "daemon/coredump/core_file.hpp"

#include "daemon/evidence/proc_files.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace unwedge::coredump {
namespace {

constexpr int level = 3;  // zstd's default: about 300 MB/s, and a third of the size or less

}  // namespace

std::unexpected<std::string> core_file::failed(std::string_view what, int error) const {
  return std::unexpected(fmt::format("{} {}/{}: {}", what, path_, name_, evidence::error_text(error)));
}

std::expected<void, std::string> core_file::enough_space() const {
  struct statvfs status{};
  if (::fstatvfs(folder_.get(), &status) != 0) return failed("free space for", errno);
  const auto free = std::uint64_t{status.f_bavail} * status.f_frsize;
  if (free >= bounds_.least_free) return {};
  return std::unexpected(
      fmt::format("the file system of {} has {} MiB free, less than {} MiB ([core] min_free)", path_,
                  free >> 20, bounds_.least_free >> 20));
}

std::expected<void, std::string> core_file::open() {
  file_ = evidence::file_descriptor{::openat(folder_.get(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
  if (file_) return {};
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT) return failed("create", errno);
  part_ = name_ + ".part";
  file_ = evidence::file_descriptor{
      ::openat(folder_.get(), part_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!file_) {
    part_.clear();
    return failed("create", errno);
  }
  return {};
}

std::expected<core_file, std::string> core_file::create(const std::string& folder, std::string name,
                                                        file_bounds bounds) {
  core_file made;
  made.path_ = folder;
  made.name_ = std::move(name);
  made.bounds_ = bounds;
  made.folder_ = evidence::file_descriptor{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!made.folder_) return std::unexpected(fmt::format("open {}: {}", folder, evidence::error_text(errno)));
  if (auto space = made.enough_space(); !space) return std::unexpected(space.error());
  struct stat there{};
  if (::fstatat(made.folder_.get(), made.name_.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0)
    return made.failed("create", EEXIST);
  if (auto opened = made.open(); !opened) return std::unexpected(opened.error());
  made.zstd_.reset(ZSTD_createCCtx());
  ZSTD_CCtx_setParameter(made.zstd_.get(), ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(made.zstd_.get(), ZSTD_c_checksumFlag, 1);
  made.out_.resize(ZSTD_CStreamOutSize());
  return made;
}

core_file::~core_file() {
  if (folder_ && !part_.empty()) ::unlinkat(folder_.get(), part_.c_str(), 0);
}

std::expected<void, std::string> core_file::put(std::size_t bytes) {
  if (written_ + bytes > bounds_.most_bytes)
    return std::unexpected(
        fmt::format("it is larger than {} MiB ([core] max_bytes)", bounds_.most_bytes >> 20));
  // Asked now and then: others write to this disk as well.
  if ((written_ >> 23) != ((written_ + bytes) >> 23))
    if (auto space = enough_space(); !space) return space;
  for (std::size_t at = 0; at < bytes;) {
    const auto done = ::write(file_.get(), out_.data() + at, bytes - at);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return failed("write", errno);
    at += static_cast<std::size_t>(done);
  }
  written_ += bytes;
  return {};
}

std::expected<void, std::string> core_file::compress(ZSTD_inBuffer from, ZSTD_EndDirective how) {
  for (;;) {
    ZSTD_outBuffer to{out_.data(), out_.size(), 0};
    const auto left = ZSTD_compressStream2(zstd_.get(), &to, &from, how);
    if (ZSTD_isError(left) != 0) return std::unexpected(fmt::format("compress: {}", ZSTD_getErrorName(left)));
    if (auto done = put(to.pos); !done) return done;
    if (how == ZSTD_e_end ? left == 0 : from.pos == from.size) return {};
  }
}

std::expected<void, std::string> core_file::write(std::span<const std::byte> bytes) {
  return compress({bytes.data(), bytes.size(), 0}, ZSTD_e_continue);
}

std::expected<std::uint64_t, std::string> core_file::keep() {
  if (auto done = compress({nullptr, 0, 0}, ZSTD_e_end); !done) return std::unexpected(done.error());
  if (::fsync(file_.get()) != 0) return failed("write", errno);
  if (part_.empty()) {
    const auto self = fmt::format("/proc/self/fd/{}", file_.get());
    if (::linkat(AT_FDCWD, self.c_str(), folder_.get(), name_.c_str(), AT_SYMLINK_FOLLOW) != 0)
      return failed("name", errno);
  } else {
    if (::renameat2(folder_.get(), part_.c_str(), folder_.get(), name_.c_str(), RENAME_NOREPLACE) != 0)
      return failed("name", errno);
    part_.clear();
  }
  if (::fsync(folder_.get()) != 0) return failed("write", errno);
  return written_;
}

}  // namespace unwedge::coredump
