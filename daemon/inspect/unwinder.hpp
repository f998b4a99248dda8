// From copied registers and stacks to frames, by elfutils' libdwfl. Touches no process: the threads have long
// gone on. Runs in the sandbox, since everything that it parses is hostile.
#pragma once

#include "daemon/inspect/capture.hpp"
#include "daemon/inspect/module_files.hpp"

#include <memory>
#include <span>

namespace unwedge::inspect {

/// Unwinds by .eh_frame (or .debug_frame), names functions by the symbols of the file or of its debug file.
/// Memory is that of the copied stack and nothing else.
class unwinder {
 public:
  /// `modules` outlive it; their debug descriptors are consumed. Throws std::runtime_error if libdwfl cannot
  /// make anything of any of them.
  unwinder(pid_t pid, std::span<module_file> modules);
  ~unwinder();
  unwinder(const unwinder&) = delete;
  unwinder& operator=(const unwinder&) = delete;

  /// The frames of a captured thread, at most most_frames, and in `unwind` why there are no more.
  thread_stack unwind(const captured_thread& thread);

 private:
  struct session;
  std::unique_ptr<session> session_;
};

}  // namespace unwedge::inspect
