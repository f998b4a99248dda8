// Lets work that must clean up after itself see a Ctrl-C, and takes the signal's usual effect afterwards.
#pragma once

#include <csignal>

namespace unwedge::ctl {

/// Holds SIGINT, SIGTERM and SIGHUP back from the calling thread while it lives.
class held_signals {
 public:
  held_signals() {
    ::sigemptyset(&held_);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&held_, number);
    ::pthread_sigmask(SIG_BLOCK, &held_, &before_);
  }
  held_signals(const held_signals&) = delete;
  held_signals& operator=(const held_signals&) = delete;
  ~held_signals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  bool arrived() const {
    sigset_t waiting;
    if (::sigpending(&waiting) != 0) return false;
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
      if (::sigismember(&held_, number) == 1 && ::sigismember(&waiting, number) == 1) return true;
    }
    return false;
  }

 private:
  sigset_t held_{}, before_{};
};

}  // namespace unwedge::ctl
