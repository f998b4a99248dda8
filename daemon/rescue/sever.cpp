#include "daemon/rescue/sever.hpp"

#include "daemon/evidence/address.hpp"
#include "daemon/evidence/proc_files.hpp"

#include <fmt/format.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>
#include <optional>

namespace unwedge::rescue {

namespace {

constexpr int raised_buffer = 64 << 20;

int option(int fd, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

// nullopt: it is connected to nobody.
std::optional<std::string> peer_of(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return std::nullopt;
  return evidence::address_text(address, length);
}

bool is_socket(int fd, std::uint64_t inode) {
  struct stat status{};
  return ::fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode) && status.st_ino == inode;
}

bool still_has(const evidence::process& of, const sever_request& wanted) {
  evidence::proc_reader files;
  const auto link = files.link(of.proc_dir(), fmt::format("fd/{}", wanted.fd).c_str());
  return link && *link == fmt::format("socket:[{}]", wanted.inode);
}

enum class kind { tcp, local, other };

kind kind_of(int fd) {
  if (option(fd, SO_TYPE) != SOCK_STREAM) return kind::other;
  const int domain = option(fd, SO_DOMAIN);
  if (domain == AF_UNIX) return kind::local;
  return (domain == AF_INET || domain == AF_INET6) && option(fd, SO_PROTOCOL) == IPPROTO_TCP ? kind::tcp
                                                                                             : kind::other;
}

bool check(const evidence::process& of, const sever_request& wanted, int twin, checklist& list) {
  if (!list.add("socket", is_socket(twin, wanted.inode),
                is_socket(twin, wanted.inode)
                    ? fmt::format("descriptor {} is socket {}", wanted.fd, wanted.inode)
                    : fmt::format("descriptor {} is not socket {}", wanted.fd, wanted.inode)))
    return false;
  const auto what = kind_of(twin);
  if (!list.add("stream", what != kind::other,
                what == kind::tcp     ? "a TCP connection"
                : what == kind::local ? "a stream socket of AF_UNIX"
                                      : "neither TCP nor a stream socket of AF_UNIX"))
    return false;
  const bool listens = option(twin, SO_ACCEPTCONN) == 1;
  const auto peer = peer_of(twin);
  if (!list.add("connected", !listens && peer,
                listens ? "it listens: nothing is connected"
                : !peer ? "it is not connected"
                        : fmt::format("its peer is {}", peer->empty() ? "unnamed" : *peer)))
    return false;
  const bool kept = still_has(of, wanted) && of.alive();
  return list.add("still-there", kept, kept ? "the process has it still" : "the process has closed it");
}

}  // namespace

std::string sever(const evidence::process& of, const sever_request& wanted, bool plan_only, checklist& list) {
  const evidence::file_descriptor twin{
      static_cast<int>(::syscall(SYS_pidfd_getfd, of.pidfd(), wanted.fd, 0))};
  if (!twin) {
    list.add("socket", false,
             fmt::format("descriptor {} cannot be duplicated: {}", wanted.fd, evidence::error_text(errno)));
    return {};
  }
  if (!check(of, wanted, twin.get(), list) || plan_only) return {};
  std::string did = "shut down";
  if (kind_of(twin.get()) == kind::local) {
    // Without CAP_NET_ADMIN the sender would spin on a socket that never becomes writable: worse than before.
    if (::setsockopt(twin.get(), SOL_SOCKET, SO_SNDBUFFORCE, &raised_buffer, sizeof raised_buffer) != 0) {
      list.add("send-buffer", false, fmt::format("it cannot be raised: {}", evidence::error_text(errno)));
      return {};
    }
    did = "shut down, its send buffer raised before";
  }
  if (::shutdown(twin.get(), SHUT_RDWR) != 0) {
    list.add("shutdown", false, fmt::format("shutdown: {}", evidence::error_text(errno)));
    return {};
  }
  return did;
}

}  // namespace unwedge::rescue
