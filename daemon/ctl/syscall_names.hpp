// The names of system calls, for what the daemon on this host says by number.
#pragma once

#include <string_view>

namespace unwedge::ctl {

/// "ppoll"; empty: one that no thread of QEMU is expected in.
std::string_view syscall_name(long number);

}  // namespace unwedge::ctl
