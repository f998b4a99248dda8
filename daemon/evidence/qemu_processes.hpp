// Every QEMU of this host, by its program, and what its command line says of it. Used by discovery.
#pragma once

#include "daemon/evidence/command_line.hpp"
#include "daemon/evidence/process.hpp"

#include <set>
#include <string>
#include <vector>

namespace unwedge::evidence {

struct qemu_process {
  process held;
  std::string name;  ///< -name; "pid 123" where it has none. Printable, at most 128 bytes; hostile text
  std::string uuid;  ///< -uuid; empty: none
};

/// Looks through /proc. Those in `known` (process ids) are left out. Blocks for about 2 us a process of the
/// host: for a worker thread. What ends meanwhile, or is not ours to see, is left out.
std::vector<qemu_process> find_qemu_processes(const std::set<pid_t>& known);

/// The QEMU that has the other end of this connected AF_UNIX socket open, wherever it got it from: libvirt
/// opens a monitor's socket and passes it on (unix(7) then names libvirtd as the peer). By sock_diag(7) and
/// the descriptors of all QEMUs; blocks as above, and about 1 us a descriptor. Error (a sentence): none has.
std::expected<process, std::string> owner_of_other_end(int socket_fd);

/// The name and uuid in a command line. Pure.
struct command_line_identity {
  std::string name, uuid;
};
command_line_identity identity_in(const command_line&);

}  // namespace unwedge::evidence
