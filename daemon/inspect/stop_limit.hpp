// The longest time that a thread can stand still, enforced by the kernel: a timer that kills this process.
#pragma once

#include <chrono>
#include <ctime>

namespace unwedge::inspect {

/// While armed, SIGKILL ends this process when the limit passes, even if it waits in the kernel for the
/// target's memory (timer_create(2)). The kernel then lets go of every thread that we trace: they run on.
class stop_limit {
 public:
  /// Throws std::system_error if there is no timer to be had.
  explicit stop_limit(std::chrono::milliseconds limit);
  ~stop_limit();
  stop_limit(const stop_limit&) = delete;
  stop_limit& operator=(const stop_limit&) = delete;

  void arm();
  void disarm();

 private:
  void set(std::chrono::milliseconds to);

  std::chrono::milliseconds limit_;
  timer_t timer_{};
};

}  // namespace unwedge::inspect
