// What a system call waits for, told from its number and arguments. Pure tables for the architecture this is
// compiled for (x86-64, aarch64: the SYS_* of syscall(2)); a 32-bit process has other numbers and is not
// understood.
#pragma once

#include "policies/evidence.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace unwedge::evidence {

/// Takes one /proc/PID/task/TID/syscall apart (proc_pid_syscall(5)): "running", "-1 SP PC" or "NR ARG0..ARG5
/// SP PC". nullopt: none of these.
std::optional<policies::syscall_facts> parse_syscall(std::string_view text);

/// An array of struct pollfd in the target's memory.
struct poll_array {
  std::uint64_t address = 0;
  std::uint64_t count = 0;
};

/// poll or ppoll.
std::optional<poll_array> polls(const policies::syscall_facts&);

/// The descriptor that stands for others: the epoll instance of epoll_*wait, the ring of io_uring_enter.
std::optional<int> waits_on_set(const policies::syscall_facts&);

/// The descriptor that a call which moves data, connects, locks or syncs works on: its first argument.
std::optional<int> io_descriptor(const policies::syscall_facts&);

/// The address that a thread waits at for a low-level lock of glibc: futex(2) FUTEX_WAIT with value 2
/// ("locked, with waiters"). Condition variables and QEMU's events wait with another operation or value
/// (qemu-facts section 6).
std::optional<std::uint64_t> waits_for_lock(const policies::syscall_facts&);

}  // namespace unwedge::evidence
