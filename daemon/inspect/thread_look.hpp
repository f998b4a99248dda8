// What can be known of a thread before anything is done to it.
#pragma once

#include "daemon/evidence/proc_files.hpp"

#include <optional>
#include <string>

namespace unwedge::inspect {

struct thread_look {
  std::string comm;  ///< printable
  char state = '?';  ///< as in proc_pid_stat(5)
  pid_t tracer = 0;  ///< who traces it; 0: nobody
};

/// Reads `stat` and `status` of the thread below `proc_dir`. nullopt: it has ended.
std::optional<thread_look> look_at_thread(int proc_dir, pid_t tid, evidence::proc_reader& files);

}  // namespace unwedge::inspect
