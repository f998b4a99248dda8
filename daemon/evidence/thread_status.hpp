// What only /proc/PID/task/TID/status (proc_pid_status(5)) tells. Pure.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>

namespace unwedge::evidence {

struct thread_status {
  std::optional<pid_t> own_tid;     ///< what the thread calls itself, and glibc writes into a mutex that it
                                    ///< holds: its number in the innermost pid namespace
  bool in_inner_namespace = false;  ///< which is not ours
  std::optional<std::uint64_t> context_switches;  ///< voluntary and not; nullopt: cut off before them
};

/// Whatever the text is; what is not in it is not in the result.
thread_status parse_thread_status(std::string_view text);

}  // namespace unwedge::evidence
