#include "daemon/evidence/sockets.hpp"

#include "daemon/evidence/address.hpp"
#include "daemon/evidence/tcp_progress.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>

namespace unwedge::evidence {

namespace {

int option(int fd, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

std::uint64_t queue(int fd, unsigned long request) {
  int bytes = 0;
  return ::ioctl(fd, request, &bytes) == 0 && bytes > 0 ? static_cast<std::uint64_t>(bytes) : 0;
}

std::string name_of(int fd, decltype(::getsockname)* which) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (which(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return {};
  return address_text(address, length);
}

bool is_socket(int fd, std::uint64_t inode) {
  struct stat status{};
  return ::fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode) && status.st_ino == inode;
}

policies::socket_facts::family family_of(int fd) {
  using enum policies::socket_facts::family;
  if (option(fd, SO_TYPE) != SOCK_STREAM) return other;
  const int domain = option(fd, SO_DOMAIN);
  if (domain == AF_INET || domain == AF_INET6) return tcp;
  return domain == AF_UNIX ? unix_stream : other;
}

}  // namespace

std::expected<std::optional<policies::socket_facts>, int> look_at_socket(const process& of, int fd,
                                                                         std::uint64_t inode, bool any) {
  const file_descriptor twin{static_cast<int>(::syscall(SYS_pidfd_getfd, of.pidfd(), fd, 0))};
  if (!twin) {
    if (errno == EBADF || errno == ESRCH) return std::nullopt;  // closed meanwhile, or all gone
    return std::unexpected(errno);
  }
  if (!is_socket(twin.get(), inode)) return std::nullopt;
  policies::socket_facts facts{.fd = fd, .inode = inode, .kind = family_of(twin.get())};
  using enum policies::socket_facts::family;
  if (!any && facts.kind == other) return std::nullopt;
  facts.listening = option(twin.get(), SO_ACCEPTCONN) == 1;
  facts.local = name_of(twin.get(), &::getsockname);
  if (facts.listening)
    return facts;  // it has no peer, and its TCP_INFO counts waiting connections as unacked
  facts.peer = name_of(twin.get(), &::getpeername);
  facts.send_queue = queue(twin.get(), SIOCOUTQ);
  if (!any && facts.kind == unix_stream && facts.send_queue == 0) return std::nullopt;
  facts.receive_queue = queue(twin.get(), SIOCINQ);
  if (facts.kind == policies::socket_facts::family::tcp && !read_tcp_progress(twin.get(), facts))
    return std::unexpected(errno);
  return facts;
}

}  // namespace unwedge::evidence
