// One socket of another process, looked at through a duplicate that lives for microseconds.
#pragma once

#include "daemon/evidence/process.hpp"
#include "policies/evidence.hpp"

#include <cstdint>
#include <expected>
#include <optional>

namespace unwedge::evidence {

/// Duplicates descriptor `fd` of `of` (pidfd_getfd(2)), which must be the socket `inode`, reads its
/// addresses, queues and progress, and closes the duplicate. nullopt: `fd` is no longer that socket, or
/// (without `any`) neither TCP nor one of AF_UNIX whose peer has not read all. Error: errno; EPERM without
/// the right to ptrace the process. A duplicate keeps a connection open if the process closes it in that very
/// moment, so the caller holds one at a time by construction, and asks for sockets only.
std::expected<std::optional<policies::socket_facts>, int> look_at_socket(const process& of, int fd,
                                                                         std::uint64_t inode, bool any);

}  // namespace unwedge::evidence
