#include "daemon/evidence/unix_peer.hpp"

#include "daemon/evidence/file_descriptor.hpp"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>

namespace unwedge::evidence {

namespace {

struct request {
  nlmsghdr header;
  unix_diag_req body;
};

/// The UNIX_DIAG_PEER attribute of an answer; 0: none.
std::uint32_t peer_in(std::span<const char> attributes) {
  while (attributes.size() >= sizeof(rtattr)) {
    rtattr head;
    std::memcpy(&head, attributes.data(), sizeof head);
    if (head.rta_len < sizeof head || head.rta_len > attributes.size()) return 0;
    std::uint32_t inode = 0;
    if (head.rta_type == UNIX_DIAG_PEER && head.rta_len >= sizeof head + sizeof inode) {
      std::memcpy(&inode, attributes.data() + sizeof head, sizeof inode);
      return inode;
    }
    attributes = attributes.subspan(std::min<std::size_t>(RTA_ALIGN(head.rta_len), attributes.size()));
  }
  return 0;
}

request ask_for(std::uint64_t inode) {
  request ask{};
  ask.header = {.nlmsg_len = sizeof ask, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST};
  ask.body.sdiag_family = AF_UNIX;
  ask.body.udiag_states = ~0U;
  ask.body.udiag_ino = static_cast<std::uint32_t>(inode);
  ask.body.udiag_show = UDIAG_SHOW_PEER;
  ask.body.udiag_cookie[0] = ask.body.udiag_cookie[1] = ~0U;  // INET_DIAG_NOCOOKIE
  return ask;
}

}  // namespace

std::expected<std::uint64_t, int> unix_peer_inode(int socket_fd) {
  struct stat own{};
  if (::fstat(socket_fd, &own) != 0) return std::unexpected(errno);
  const file_descriptor netlink{::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)};
  if (!netlink) return std::unexpected(errno);
  const timeval patience{.tv_sec = 1, .tv_usec = 0};
  ::setsockopt(netlink.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const auto ask = ask_for(own.st_ino);
  if (::send(netlink.get(), &ask, sizeof ask, 0) < 0) return std::unexpected(errno);
  alignas(nlmsghdr) std::array<char, 4'096> room;
  const auto got = ::recv(netlink.get(), room.data(), room.size(), 0);
  if (got < static_cast<ssize_t>(sizeof(nlmsghdr))) return std::unexpected(got < 0 ? errno : EIO);
  const auto& header = *reinterpret_cast<const nlmsghdr*>(room.data());
  if (header.nlmsg_len > static_cast<std::uint32_t>(got)) return std::unexpected(EIO);
  if (header.nlmsg_type == NLMSG_ERROR) {
    const auto* error = static_cast<const nlmsgerr*>(NLMSG_DATA(&header));
    return std::unexpected(header.nlmsg_len >= NLMSG_LENGTH(sizeof *error) ? -error->error : EIO);
  }
  constexpr std::size_t before_attributes = NLMSG_LENGTH(sizeof(unix_diag_msg));
  if (header.nlmsg_len < before_attributes) return std::unexpected(EIO);
  const auto inode =
      peer_in(std::span<const char>(room).subspan(before_attributes, header.nlmsg_len - before_attributes));
  if (inode == 0) return std::unexpected(ENOTCONN);
  return inode;
}

}  // namespace unwedge::evidence
