// One process held by its identity, not by its number: whoever holds a `process` can never read from, or act
// on, another one that got the same pid later. Used by discovery, the watcher and the actions; it decides
// nothing.
#pragma once

#include "daemon/evidence/file_descriptor.hpp"

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace unwedge::evidence {

/// A process: its pidfd (pidfd_open(2)) and a descriptor of its /proc/PID, both opened while it lived. Paths
/// opened relative to proc_dir() fail with ESRCH or ENOENT once the process is gone, whoever has the number
/// then (proc(5)). Move-only; const members may be called from several threads at once. A moved-from object
/// can only be destroyed or assigned to.
class process {
 public:
  /// Takes hold of a running process. Error (a sentence): there is no such process, `pid` is a thread, it has
  /// ended (zombies included), /proc is not readable, or we are out of descriptors. Does not block.
  static std::expected<process, std::string> open(pid_t pid);

  /// Takes hold of the process at the other end of a connected AF_UNIX socket: the one that called
  /// connect(2), or, when we connected, listen(2); a descriptor passed on keeps naming its first owner
  /// (unix(7)). By SO_PEERPIDFD (Linux 6.5); before that by SO_PEERCRED, where a peer that has hung up is
  /// refused, as its pid may be reused. The descriptor stays the caller's. Errors as in open(), and for a
  /// peer in a foreign pid namespace.
  static std::expected<process, std::string> peer_of(int socket_fd);

  /// Its program is a system emulator: qemu-system-*, qemu-kvm or kvm, also when the file was replaced by an
  /// upgrade. Where the kernel does not show us the program (another user's process), the command name of its
  /// main thread decides, which anybody can forge: a reason to watch, never a reason to act.
  bool is_qemu() const;

  /// False from the moment on when all its threads have ended, reaped or not (poll(2) on the pidfd).
  bool alive() const;

  int pidfd() const { return pidfd_.get(); }        ///< owned by this object: do not close
  int proc_dir() const { return proc_dir_.get(); }  ///< /proc/PID, for openat(2); owned by this object
  pid_t pid() const { return pid_; }
  std::uint64_t start_time() const {
    return start_time_;
  }  ///< clock ticks since boot, field 22 of proc_pid_stat(5)
  const std::string& exe() const {
    return exe_;
  }  ///< path of its program when it was opened; empty: not permitted

 private:
  process() = default;
  static std::expected<process, std::string> adopt(file_descriptor pidfd, pid_t pid);

  file_descriptor pidfd_;
  file_descriptor proc_dir_;
  pid_t pid_ = 0;
  std::uint64_t start_time_ = 0;
  std::string exe_;
  std::string comm_;
};

/// Whether a program file of this path is a QEMU system emulator; `path` as readlink of /proc/PID/exe shows
/// it.
bool names_qemu(std::string_view path);

}  // namespace unwedge::evidence
