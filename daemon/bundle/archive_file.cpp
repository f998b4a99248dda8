#include "daemon/bundle/archive_file.hpp"

#include <fmt/format.h>

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace unwedge::bundle {
namespace {

std::string error_text(int number) {
  return std::generic_category().message(number);
}

std::string said_by(archive* a) {
  const char* text = archive_error_string(a);
  return text != nullptr ? text : "unknown error";
}

bool is_taken(const std::filesystem::path& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0;
}

}  // namespace

void archive_file::closer::operator()(archive* a) const {
  archive_write_free(a);
}

archive_file::unfinished::~unfinished() {
  if (fd >= 0) ::close(fd);
  if (!path.empty()) ::unlink(path.c_str());
}

long archive_file::unfinished::take(archive*, void* self, const void* bytes, std::size_t count) {
  auto& file = *static_cast<unfinished*>(self);
  std::string_view left(static_cast<const char*>(bytes), count);
  while (!left.empty() && file.error == 0 && !file.given_up) {
    const auto written = ::write(file.fd, left.data(), left.size());
    if (written > 0)
      left.remove_prefix(static_cast<std::size_t>(written));
    else if (written == 0 || errno != EINTR)
      file.error = written == 0 ? EIO : errno;
  }
  return static_cast<long>(count);
}

archive_file::~archive_file() {
  if (file_) file_->given_up = true;  // freeing the archive ends it, too
}

std::unexpected<std::string> archive_file::failed(std::string_view what) const {
  return std::unexpected(fmt::format("{}: {}", path_.string(), what));
}

std::expected<archive_file, std::string> archive_file::create(std::filesystem::path path, bool replace) {
  archive_file made(std::move(path), replace);
  if (auto opened = made.open(); !opened) return std::unexpected(opened.error());
  return made;
}

archive_file::result archive_file::open() {
  if (!path_.has_filename() || std::filesystem::is_directory(path_)) return failed("is a folder");
  if (!replace_ && is_taken(path_)) return failed("is there already");
  // 0600 whatever the umask; a name that nobody waits for.
  auto beside = (path_.parent_path() / fmt::format(".{}.XXXXXX", path_.filename().string())).string();
  file_->fd = ::mkostemp(beside.data(), O_CLOEXEC);
  if (file_->fd < 0) return failed(error_text(errno));
  file_->path = beside;
  archive_.reset(archive_write_new());
  auto* a = archive_.get();
  if (a == nullptr) return failed("out of memory");
  const bool ready = archive_write_set_format_pax_restricted(a) == ARCHIVE_OK &&
                     archive_write_add_filter_zstd(a) == ARCHIVE_OK &&
                     archive_write_set_bytes_in_last_block(a, 1) == ARCHIVE_OK &&
                     archive_write_open(a, file_.get(), nullptr, &unfinished::take, nullptr) == ARCHIVE_OK;
  if (!ready) return failed(said_by(a));
  return {};
}

archive_file::result archive_file::add(const std::string& name, std::string_view bytes, wall_time modified) {
  auto* a = archive_.get();
  const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(),
                                                                       archive_entry_free);
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(bytes.size()));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0600);
  archive_entry_set_mtime(entry.get(), std::chrono::system_clock::to_time_t(modified), 0);
  if (archive_write_header(a, entry.get()) != ARCHIVE_OK) return failed(said_by(a));
  while (!bytes.empty()) {
    const auto written = archive_write_data(a, bytes.data(), bytes.size());
    if (written <= 0) return failed(said_by(a));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  if (archive_write_finish_entry(a) != ARCHIVE_OK) return failed(said_by(a));
  return written();
}

archive_file::result archive_file::written() const {
  if (file_->error != 0) return failed(error_text(file_->error));
  return {};
}

std::expected<std::size_t, std::string> archive_file::commit() {
  if (archive_write_close(archive_.get()) != ARCHIVE_OK) return failed(said_by(archive_.get()));
  archive_.reset();
  if (auto all = written(); !all) return std::unexpected(all.error());
  struct stat status{};
  if (::fsync(file_->fd) != 0 || ::fstat(file_->fd, &status) != 0) return failed(error_text(errno));
  if (auto done = take_place(); !done) return std::unexpected(done.error());
  return static_cast<std::size_t>(status.st_size);
}

archive_file::result archive_file::take_place() {
  const auto* from = file_->path.c_str();
  if (replace_) {
    if (::rename(from, path_.c_str()) != 0) return failed(error_text(errno));
    file_->path.clear();
    return {};
  }
  if (::renameat2(AT_FDCWD, from, AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) == 0) {
    file_->path.clear();
    return {};
  }
  // File systems without that flag (NFS) have links, which never replace either; the first name goes with
  // `file_`.
  if (errno == EINVAL && ::link(from, path_.c_str()) == 0) return {};
  return failed(errno == EEXIST ? "is there already" : error_text(errno));
}

}  // namespace unwedge::bundle
