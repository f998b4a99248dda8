// What may forbid a thread to run the chain: a shadow stack, a seccomp filter. Pure but for the command line.
#pragma once

#include "daemon/evidence/process.hpp"
#include "daemon/rescue/checklist.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace unwedge::rescue {

/// From the thread's `status`. With a shadow stack in use (CET, `x86_Thread_features`) a return to the stub,
/// and rt_sigreturn itself, would end the process.
finding judge_shadow_stack(std::string_view status);

/// The chain needs futex, ppoll and rt_sigreturn. Allowed: no filter, or a single one which is QEMU's own
/// (-sandbox on), since that one forbids by a list, and has none of these on it (qemu-seccomp.c, 2.11
/// to 10.x).
finding judge_seccomp(std::string_view status, const std::vector<std::string>& command_line);

/// The arguments in /proc/PID/cmdline, as far as 16 KiB of it; empty: not readable.
std::vector<std::string> command_line(const evidence::process& of);

}  // namespace unwedge::rescue
