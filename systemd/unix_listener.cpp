#include "systemd/unix_listener.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace unwedge::systemd {
namespace {

std::unexpected<std::string> failure(std::string_view tried, const std::filesystem::path& path) {
  return std::unexpected(fmt::format("cannot {} {}: {}", tried, path.string(), std::strerror(errno)));
}

std::unexpected<std::string> occupied(const std::filesystem::path& path) {
  return std::unexpected(fmt::format("another unwedged runs here: {}", path.string()));
}

sockaddr_un address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  return address;
}

int new_socket() {
  return ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace

std::expected<unix_listener, std::string> unix_listener::open(std::filesystem::path path, mode_t mode) {
  if (path.native().size() >= sizeof(sockaddr_un::sun_path)) {
    return std::unexpected(fmt::format("the socket's path is longer than {} bytes: {}",
                                       sizeof(sockaddr_un::sun_path) - 1, path.string()));
  }
  unix_listener listener{std::move(path)};
  auto done = listener.lock();
  if (done) done = listener.remove_stale();
  if (done) done = listener.bind(mode);
  if (!done) return std::unexpected(done.error());
  return listener;
}

std::expected<void, std::string> unix_listener::lock() {
  auto lock_path = path_;
  lock_path += ".lock";
  lock_ = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock_ < 0) return failure("create", lock_path);
  if (::flock(lock_, LOCK_EX | LOCK_NB) == 0) return {};
  return errno == EWOULDBLOCK ? occupied(path_) : failure("lock", lock_path);
}

std::expected<void, std::string> unix_listener::remove_stale() const {
  struct stat info{};
  if (::lstat(path_.c_str(), &info) != 0) {
    if (errno == ENOENT) return {};
    return failure("inspect", path_);
  }
  if (!S_ISSOCK(info.st_mode)) return std::unexpected(fmt::format("{} is not a socket", path_.string()));
  int const probe = new_socket();
  if (probe < 0) return failure("create a socket for", path_);
  auto const address = address_of(path_);
  int const connected = ::connect(probe, generic(address), sizeof(address));
  int const why = errno;
  ::close(probe);
  // EAGAIN: somebody listens, with a full backlog (a stopped daemon).
  if (connected == 0 || why != ECONNREFUSED) return occupied(path_);
  if (::unlink(path_.c_str()) != 0 && errno != ENOENT) return failure("remove the stale", path_);
  return {};
}

std::expected<void, std::string> unix_listener::bind(mode_t mode) {
  fd_ = new_socket();
  if (fd_ < 0) return failure("create a socket for", path_);
  // Linux takes the new file's mode from the socket, less the umask, so it is never wider than asked, not
  // even for a moment; the chmod after it only adds what the umask took.
  if (::fchmod(fd_, mode) != 0) return failure("set the mode of", path_);
  auto const address = address_of(path_);
  if (::bind(fd_, generic(address), sizeof(address)) != 0) return failure("bind", path_);
  struct stat info{};
  if (::lstat(path_.c_str(), &info) != 0) return failure("inspect", path_);
  device_ = info.st_dev;
  inode_ = info.st_ino;
  if (::chmod(path_.c_str(), mode) != 0) return failure("set the mode of", path_);
  if (::listen(fd_, 64) != 0) return failure("listen on", path_);
  return {};
}

unix_listener::unix_listener(unix_listener&& other) noexcept
    : path_(std::move(other.path_)),
      lock_(std::exchange(other.lock_, -1)),
      fd_(std::exchange(other.fd_, -1)),
      device_(other.device_),
      inode_(std::exchange(other.inode_, 0)) {}

unix_listener::~unix_listener() {
  struct stat info{};
  if (inode_ != 0 && ::lstat(path_.c_str(), &info) == 0 && info.st_ino == inode_ && info.st_dev == device_) {
    ::unlink(path_.c_str());
  }
  if (fd_ >= 0) ::close(fd_);
  if (lock_ >= 0) ::close(lock_);
}

int unix_listener::release_fd() {
  return std::exchange(fd_, -1);
}

}  // namespace unwedge::systemd
