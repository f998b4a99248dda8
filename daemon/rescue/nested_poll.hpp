// Whether a stack is that of a thread which waits in a nested aio_poll of QEMU's, as it does while a VM is
// stopped and its block devices are drained. Pure.
#pragma once

#include "daemon/inspect/stacks.hpp"

#include <expected>
#include <string>
#include <string_view>

namespace unwedge::rescue {

/// Which file is which; as module paths stand in the frames.
struct modules_in_stack {
  std::string_view program, libc;
};

/// A sentence of what the stack shows, or (error) of why it is not such a stack.
std::expected<std::string, std::string> judge_nested_poll(const inspect::thread_stack& stack,
                                                          const modules_in_stack& files);

/// The thread is in the middle of a walk over the block graph, as QEMU 7.2 moves a disk out of its iothread
/// (bdrv_try_change_aio_context): with pointers to nodes that the end of a job frees. A lease may then cost
/// the VM, or leave its heap damaged: docs/rescue.md.
bool walks_graph(const inspect::thread_stack& stack);

}  // namespace unwedge::rescue
