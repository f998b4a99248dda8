// Where the kernel will put a core of a process: core(5) read and explained.
#pragma once

#include "daemon/evidence/process.hpp"

#include <string>
#include <string_view>

namespace unwedge::coredump {

struct destination {
  bool somewhere = true;  ///< false: the kernel will keep no core
  bool piped = false;     ///< to a program, which RLIMIT_CORE does not bound
  std::string sentence;   ///< "systemd-coredump takes it: coredumpctl info 4711"
};

/// Pure: `pattern` as in /proc/sys/kernel/core_pattern, `folder` the process's working directory (its own
/// view of it). `uses_pid`: /proc/sys/kernel/core_uses_pid.
destination explain(std::string_view pattern, bool uses_pid, pid_t pid, std::string_view folder);

/// For this process on this host. What cannot be read is said in the sentence.
destination destination_of(const evidence::process&);

}  // namespace unwedge::coredump
