// Ends a process with SIGABRT, so that the kernel leaves a core of it. The VM is lost: only for authority
// destroy.
#pragma once

#include "daemon/coredump/census.hpp"

#include <chrono>
#include <expected>
#include <string>

namespace unwedge::coredump {

/// Why it would not end, or end without a trace; empty: it may be done.
std::string forbids_abort(const census&);

/// No core of the kernel's, whatever core_pattern says: RLIMIT_CORE 1, which stops even a core that is piped
/// to a program (do_coredump in fs/coredump.c). For a process of which we have a core already, and whose
/// guest memory the kernel could not leave out.
std::expected<void, std::string> forbid_kernel_core(const evidence::process&);

/// SIGABRT through the pidfd, then waits up to `patience` until it has ended, its core written. Error (a
/// sentence): it could not be sent, or the process is still there.
std::expected<void, std::string> abort_process(const evidence::process&, std::chrono::milliseconds patience);

}  // namespace unwedge::coredump
