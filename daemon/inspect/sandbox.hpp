// The cage for parsing what a hostile process has made.
#pragma once

namespace unwedge::inspect {

/// From here on this process can read and write descriptors that it has open, manage its own memory (nothing
/// executable) and end: a seccomp filter (seccomp(2)) refuses what opens or names a file with ENOENT, since
/// libdw asks for such things and gets on without, and kills the process on any other system call. For a
/// process with one thread. Throws std::system_error if the kernel refuses.
void enter_sandbox();

}  // namespace unwedge::inspect
