// What taking, or asking the kernel for, a core of a process would mean: looked up beforehand, nothing is
// stopped and nothing changed.
#pragma once

#include "daemon/coredump/destination.hpp"
#include "daemon/coredump/regions.hpp"
#include "daemon/evidence/process.hpp"

#include <sys/resource.h>

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <vector>

namespace unwedge::coredump {

struct census {
  std::vector<region> regions;  ///< as smaps has them
  std::size_t threads = 0;
  char state = '?';                  ///< of the main thread, proc_pid_stat(5)
  std::int64_t tracer = 0;           ///< pid of who traces it; 0: nobody
  std::uint64_t copied = 0;          ///< bytes that a core of ours copies
  std::uint64_t guest_memory = 0;    ///< bytes mapped
  std::uint64_t in_kernel_core = 0;  ///< guest memory in use that a core of the kernel's would hold
  bool told = false;                 ///< guest memory could be told from QEMU's own
  std::uint32_t filter = 0;          ///< coredump_filter, core(5)
  rlimit limit{};                    ///< RLIMIT_CORE
  bool dumpable = true;              ///< PR_SET_DUMPABLE, as far as /proc shows it
  destination goes_to;

  /// How long all its threads would stand still for a core of ours; measured, see docs/cores.md.
  std::chrono::milliseconds stop_estimate() const;
};

/// Error: a sentence. Blocks as read_regions does.
std::expected<census, std::string> look_at(const evidence::process&);

/// Why no core of ours may be taken of it now; empty: it may. A process that somebody stopped or traces is
/// somebody else's patient.
std::string forbids_core(const census&);

}  // namespace unwedge::coredump
