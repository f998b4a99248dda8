// All threads of a process at rest at once, and their registers. The only room of this folder that stops
// anything; made of inspect/tracing.hpp.
#pragma once

#include "daemon/evidence/process.hpp"
#include "daemon/inspect/tracing.hpp"

#include <chrono>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace unwedge::coredump {

/// What ptrace(2) tells of a thread at rest: register sets as the kernel lays them out in a core.
struct thread_registers {
  pid_t tid = 0;
  std::vector<std::byte> general;   ///< NT_PRSTATUS
  std::vector<std::byte> floating;  ///< NT_FPREGSET; empty: not to be had
  std::vector<std::byte> extended;  ///< NT_X86_XSTATE; likewise
};

inline constexpr std::size_t most_threads = 4'096;

/// Stops them by PTRACE_SEIZE and INTERRUPT, until no thread is left that is not at rest. To be made, used
/// and destroyed on one thread of its own: when that has ended the kernel has let go of everything, also of a
/// thread that came to its stop too late; likewise when this process is killed at any instant. Needs SIGCHLD
/// blocked. No signal is lost (see inspect/tracing.hpp).
class standstill {
 public:
  explicit standstill(const evidence::process& of) : of_(of) {}
  ~standstill() { let_go(); }
  standstill(const standstill&) = delete;
  standstill& operator=(const standstill&) = delete;

  /// Attaches to all threads there are; stops nothing yet. Error (a sentence): not permitted, another tracer,
  /// too many.
  std::expected<void, std::string> attach();

  /// Stops them all, those started meanwhile as well. Threads in an uninterruptible wait (state D) do not
  /// stop; they stand still by themselves, and are in late(). Error: a thread that runs did not stop within
  /// `patience`.
  std::expected<void, std::string> stop_all(std::chrono::milliseconds patience);

  /// Of every thread at rest, the main thread first; of those in late() what /proc tells: where they wait.
  std::vector<thread_registers> registers() const;

  void let_go();

  const std::vector<pid_t>& late() const { return late_; }

 private:
  struct held {
    pid_t tid;
    inspect::stop at{};
  };
  std::expected<std::vector<pid_t>, std::string> new_threads() const;
  std::expected<void, std::string> seize(pid_t tid);
  std::expected<void, std::string> wait_for_all(std::chrono::milliseconds patience);
  bool uninterruptible(pid_t tid) const;
  std::optional<thread_registers> where_it_waits(pid_t tid) const;

  const evidence::process& of_;
  std::vector<held> threads_;
  std::vector<pid_t> late_;
};

}  // namespace unwedge::coredump
