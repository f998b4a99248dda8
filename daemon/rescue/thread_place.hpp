// Where a thread stands in the kernel, and what it calls itself, without stopping it.
#pragma once

#include "daemon/evidence/proc_files.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace unwedge::rescue {

/// One line of proc_pid_syscall(5) of a thread that sleeps in a system call.
struct thread_place {
  long number = -1;
  std::array<std::uint64_t, 6> args{};
  std::uint64_t sp = 0, pc = 0;

  bool operator==(const thread_place&) const = default;
};

/// nullopt: it runs, or is in no system call.
std::optional<thread_place> parse_place(std::string_view line);

/// Of a thread below /proc/PID. nullopt: it runs, has ended, or we may not see it.
std::optional<thread_place> place_of(int proc_dir, pid_t tid, evidence::proc_reader& files);

/// The same by the thread's own folder, /proc/PID/task/TID; allocates nothing.
std::optional<thread_place> place_in(int task_folder, evidence::proc_reader& files);

/// It waits for a mutex of glibc; the mutex's address.
std::optional<std::uint64_t> waited_mutex(const thread_place&);

/// The thread's number in its own pid namespace, from its `status`; nullopt: not told.
std::optional<pid_t> own_number(std::string_view status);

}  // namespace unwedge::rescue
