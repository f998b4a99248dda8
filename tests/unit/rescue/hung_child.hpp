// A process that hangs as a QEMU does: a thread polls in a nested aio_poll with a mutex held, the main thread
// waits for that mutex. What the thread has in its registers, and who has the mutex, it checks itself
// whenever it wakes up.
#pragma once

#include "tests/unit/evidence/child.hpp"

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <functional>

namespace unwedge::rescue {

/// Shared with the test.
struct observations {
  std::atomic<pid_t> holder;
  std::atomic<pid_t> second_waiter;        ///< waits for the second mutex
  std::atomic<std::uint64_t> wakeups;      ///< the holder's ppoll came back
  std::atomic<std::uint64_t> interrupted;  ///< of those with EINTR
  std::atomic<std::uint64_t> broken;       ///< of those with a register, a flag or the mutex not as before
  std::atomic<std::uint64_t> taken;        ///< the main thread got the mutex
  std::atomic<std::uint64_t> second_taken;
  std::atomic<std::uint64_t> signals;  ///< that the holder's handler got
  std::atomic<std::uint64_t>
      compared;  ///< vector registers that libc's ppoll leaves alone, so that they can be told
  std::atomic<std::int32_t> first_broken;  ///< which check failed first: see hung_child.cpp
  pthread_mutex_t* first = nullptr;        ///< addresses are the same here and there
  pthread_mutex_t* second = nullptr;
};

/// How the child differs from one that a lease is granted to.
struct circumstances {
  int kind = PTHREAD_MUTEX_NORMAL;
  int robust = PTHREAD_MUTEX_STALLED;
  int protocol = PTHREAD_PRIO_NONE;
  bool locks_elsewhere = false;  ///< not in the program's own data
  bool main_waits = true;
  bool second = false;           ///< a recursive mutex, locked three times, which another thread waits for
  bool own_signal_mask = false;  ///< the ppoll has one
  bool polls_nothing = false;
  bool plainly = false;  ///< aio_poll calls ppoll itself, and has its frame where only rbp tells
  bool seccomp = false;
  bool namespaced = false;      ///< it has a pid namespace of its own, in which it is process 1
  bool quits = false;           ///< the main thread ends the process when it gets the mutex
  std::size_t stack = 0;        ///< bytes; 0: as usual
  std::uint64_t held_us = 100;  ///< how long the main thread keeps the mutex
  /// What the holder does with the mutex held; by default vm_stop, which polls through aio_poll.
  void (*sits)() = nullptr;
};

class hung_child {
 public:
  explicit hung_child(const circumstances& how = {});

  pid_t pid() const;     ///< as we number it
  pid_t holder() const;  ///< likewise
  const observations& seen() const { return *seen_; }
  std::uint64_t mutex() const { return reinterpret_cast<std::uint64_t>(seen_->first); }
  std::uint64_t second_mutex() const { return reinterpret_cast<std::uint64_t>(seen_->second); }
  bool alive() const;
  /// The holder polls, the main thread waits, and so does who waits for the second mutex; 20 s at most.
  bool hangs() const;
  /// So often was the holder off its CPU: nobody touched it as long as this stays.
  std::uint64_t switches() const;
  void send(int signal) const;  ///< to the holder

 private:
  observations* seen_;
  circumstances how_;
  std::unique_ptr<evidence::child> child_;
};

extern "C" {
/// As QEMU's are called. `poll_elsewhere` polls as well, in no aio_poll; `drain` has an aio_poll, and no stop
/// of the VM around it; `sleep_soundly` is in nanosleep; `bdrv_try_change_aio_context` goes through the block
/// graph.
void vm_stop();
void bdrv_try_change_aio_context();
void poll_elsewhere();
void drain();
void sleep_soundly();
}

/// Until `holds` or 20 s have passed; whether it held.
bool eventually(const std::function<bool()>& holds);

}  // namespace unwedge::rescue
