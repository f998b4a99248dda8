// Shuts down one connection of another process, as `yank` in QEMU would: through a duplicate of its own
// socket (pidfd_getfd(2)), which is the very socket that the evidence named, or nothing is done.
#pragma once

#include "daemon/evidence/process.hpp"
#include "daemon/rescue/checklist.hpp"

#include <cstdint>
#include <string>

namespace unwedge::rescue {

struct sever_request {
  int fd = -1;
  std::uint64_t inode = 0;
};

/// Notes every precondition, and unless `plan_only` or one fails shuts the socket down. Of AF_UNIX the send
/// buffer is raised first: QEMU waits for it to become writable, which a full one does not when it is shut
/// down. What was done, a sentence; empty: nothing. Does not block.
std::string sever(const evidence::process& of, const sever_request& wanted, bool plan_only, checklist& list);

}  // namespace unwedge::rescue
