// libdwfl's callbacks on values that we have: modules that are open, one thread's copy at a time. For
// unwinder only.
#pragma once

#include "daemon/inspect/unwinder.hpp"

#include <elfutils/libdwfl.h>

namespace unwedge::inspect {

/// What the callbacks get as their argument.
struct dwfl_memory {
  const captured_thread* thread = nullptr;  ///< being unwound
  bool beyond_copy = false;                 ///< it wanted more of the stack than was copied
};

struct dwfl_end_session {
  void operator()(Dwfl* dwfl) const { ::dwfl_end(dwfl); }
};

/// A session that knows `modules` and asks `memory`; both outlive it. Throws std::runtime_error.
std::unique_ptr<Dwfl, dwfl_end_session> begin_dwfl(pid_t pid, std::span<module_file> modules,
                                                   dwfl_memory& memory);

}  // namespace unwedge::inspect
