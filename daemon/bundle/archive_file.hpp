// A .tar.zst of an incident that appears whole or not at all. Used by unwedgectl; knows no incident, only
// names and bytes.
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

struct archive;

namespace unwedge::bundle {

/// Is written beside its final place, with mode 0600 and its caller's owner, and takes that place in
/// commit(). However it ends before that, also by its destructor, nothing is left. Errors are sentences that
/// name the file.
class archive_file {
 public:
  using result = std::expected<void, std::string>;
  using wall_time = std::chrono::system_clock::time_point;

  /// `replace`: an existing file is replaced; else it is an error, here and in commit().
  static std::expected<archive_file, std::string> create(std::filesystem::path path, bool replace);

  archive_file(archive_file&&) noexcept = default;
  archive_file& operator=(archive_file&&) = delete;
  ~archive_file();

  /// A regular file of mode 0600; `name` may have folders in front.
  result add(const std::string& name, std::string_view bytes, wall_time modified);

  /// Durable under its name on return; gives its size in bytes. Nothing can be added afterwards.
  std::expected<std::size_t, std::string> commit();

 private:
  struct closer {
    void operator()(archive*) const;
  };
  /// The file that is not in place yet. libarchive holds its address.
  struct unfinished {
    std::filesystem::path path;
    int fd = -1;
    int error = 0;          ///< errno of the first write that failed; what follows is dropped
    bool given_up = false;  ///< likewise
    unfinished() = default;
    unfinished(const unfinished&) = delete;
    unfinished& operator=(const unfinished&) = delete;
    ~unfinished();
    /// Never fails for libarchive: 3.6 leaks its buffers if it does.
    static long take(archive*, void* self, const void* bytes, std::size_t count);
  };

  archive_file(std::filesystem::path path, bool replace) : path_(std::move(path)), replace_(replace) {}
  result open();
  result written() const;
  result take_place();
  std::unexpected<std::string> failed(std::string_view what) const;

  std::filesystem::path path_;
  bool replace_;
  std::unique_ptr<unfinished> file_ = std::make_unique<unfinished>();
  std::unique_ptr<archive, closer> archive_;
};

}  // namespace unwedge::bundle
