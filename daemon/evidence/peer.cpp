// process::peer_of: from a connected socket to the process at its other end.
#include "daemon/evidence/proc_files.hpp"
#include "daemon/evidence/process.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77  // Linux 6.5; the same number on x86-64 and aarch64
#endif

namespace unwedge::evidence {

namespace {

// The pid behind a pidfd, in our pid namespace (proc_pid_fdinfo(5)): 0 if it has none there, -1 if it was
// reaped.
pid_t pid_of(const file_descriptor& pidfd) {
  proc_reader reader;
  const auto text = reader.read(AT_FDCWD, fmt::format("/proc/self/fdinfo/{}", pidfd.get()).c_str());
  return text ? static_cast<pid_t>(number_after(*text, "Pid:").value_or(-1)) : -1;
}

bool hung_up(int socket_fd) {
  pollfd end{.fd = socket_fd, .events = 0, .revents = 0};
  return ::poll(&end, 1, 0) > 0 && (end.revents & (POLLHUP | POLLERR)) != 0;
}

}  // namespace

std::expected<process, std::string> process::peer_of(int socket_fd) {
  int fd = -1;
  socklen_t length = sizeof fd;
  if (::getsockopt(socket_fd, SOL_SOCKET, SO_PEERPIDFD, &fd, &length) == 0) {
    file_descriptor pidfd{fd};
    const pid_t pid = pid_of(pidfd);
    if (pid > 0) return adopt(std::move(pidfd), pid);
    return std::unexpected<std::string>(pid == 0 ? "the peer is in a pid namespace that we do not see"
                                                 : "the peer process has ended");
  }
  ucred peer{};
  length = sizeof peer;
  if (::getsockopt(socket_fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
    return std::unexpected(fmt::format("the socket's peer: SO_PEERCRED: {}", error_text(errno)));
  if (peer.pid <= 0)
    return std::unexpected<std::string>("the peer is not a process in a pid namespace that we see");
  auto first = open(peer.pid);
  if (!first) return first;
  // Only a pid: it may have been reused before we opened it, but not while the peer keeps its end open; and a
  // second look must find the same process, or the number changed hands meanwhile.
  if (hung_up(socket_fd)) return std::unexpected(fmt::format("process {}: the peer has hung up", peer.pid));
  const auto again = open(peer.pid);
  if (!again) return std::unexpected(again.error());
  if (again->start_time() != first->start_time())
    return std::unexpected(fmt::format("process {}: the number was reused meanwhile", peer.pid));
  return first;
}

}  // namespace unwedge::evidence
