// What a thread of QEMU is there for: told by its name (with -name ...,debug-threads=on), or by the functions
// that it stands in. For signatures and for whoever names threads to people. Pure.
#pragma once

#include "policies/stacks.hpp"

#include <optional>
#include <string_view>

namespace unwedge::policies {

enum class thread_role {
  unknown,
  main,
  vcpu,
  iothread,
  monitor,      ///< runs QMP's out-of-band commands
  migration,    ///< of the source: sends the VM
  multifd,      ///< of either side
  return_path,  ///< of the source: reads what the destination says
  incoming,     ///< of a destination in postcopy
  snapshot,     ///< background-snapshot
  worker,       ///< blocking calls on files
  call_rcu,
  nbd_connect,
  vnc,
  dump,
};

std::string_view to_string(thread_role);
std::optional<thread_role> parse_thread_role(std::string_view);

/// By what /proc/PID/task/TID/comm says. A thread that is called as the main one was given no name of its
/// own, and may be anything.
thread_role role_by_name(std::string_view comm, std::string_view main_comm);

/// By exported functions alone, those of a stripped build. unknown: none of them tells.
thread_role role_by_stack(const thread_stack&);

/// By the name, else by the stack. `main`: the main thread of the same process, which may be `thread` itself.
thread_role role_of(const thread_stack& thread, const thread_stack& main);

}  // namespace unwedge::policies
