// One thread that stands still for us: seized, interrupted, let go of again whatever happens. For the two
// operations of a lease. Its stop is bounded by the kernel (inspect::stop_limit): after that we are killed
// and it runs on.
#pragma once

#include "daemon/evidence/process.hpp"
#include "daemon/inspect/stop_limit.hpp"
#include "daemon/inspect/tracing.hpp"

#include <sys/user.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace unwedge::rescue {

struct stop_times {
  std::chrono::nanoseconds stopped{0};   ///< from our asking it to stop: so long it stood still at most. On a
                                         ///< busy host most of this it waits for a CPU to come to its stop
  std::chrono::nanoseconds operated{0};  ///< of these, from when it had stopped
};

/// For a tracer thread, which goes before ordinary ones while it holds one (inspect::go_first), and to its
/// end.
class held_thread {
 public:
  explicit held_thread(const evidence::process& of, pid_t tid);
  ~held_thread();
  held_thread(const held_thread&) = delete;
  held_thread& operator=(const held_thread&) = delete;

  /// Attaches without stopping it. Empty, or a sentence: somebody else traces it, it is no longer this
  /// process's.
  std::string seize();
  /// Stops it. Empty, or a sentence: it has ended, did not stop, or was on its way to a signal or into a stop
  /// of somebody else's, where nothing is done to it.
  std::string stop();
  /// Lets it go on. Zero if it did not stand still.
  stop_times let_go();

  std::optional<user_regs_struct> registers() const;
  /// False: the kernel refused; nothing was changed.
  bool set_registers(const user_regs_struct& to) const;
  std::optional<std::uint64_t> signal_mask() const;
  /// The XSAVE area; how many bytes of `into`. nullopt: none to be had.
  std::optional<std::size_t> xstate(std::span<std::byte> into) const;

 private:
  const evidence::process& of_;
  pid_t tid_;
  inspect::stop_limit limit_;
  std::optional<inspect::stop> at_;
  std::chrono::steady_clock::time_point began_, stood_;
};

}  // namespace unwedge::rescue
