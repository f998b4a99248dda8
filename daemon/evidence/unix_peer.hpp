// The other end of an AF_UNIX socket, by number, from sock_diag(7).
#pragma once

#include <cstdint>
#include <expected>

namespace unwedge::evidence {

/// The inode of the socket that is connected to this one. Error: errno; ENOTCONN where there is none (not yet
/// accepted counts as connected: its inode is in no process then).
std::expected<std::uint64_t, int> unix_peer_inode(int socket_fd);

}  // namespace unwedge::evidence
