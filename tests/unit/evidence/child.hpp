// A real process in a situation of the test's choice, and the wait until a sample shows it. No mocks.
#pragma once

#include "daemon/evidence/sample.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>
#include <vector>

namespace unwedge::evidence {

/// Runs `body` in a forked process that pauses after it, dies with the test, and is killed and reaped by its
/// id.
class child {
 public:
  template <typename Body>
  explicit child(Body body) {
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    body();
    for (;;) ::pause();
  }
  child(const child&) = delete;
  child& operator=(const child&) = delete;
  ~child() { reap(); }

  pid_t pid() const { return pid_; }
  void kill(int signal) const {
    if (pid_ > 1) ::kill(pid_, signal);  // kill(-1) is everything
  }
  void reap() {
    if (pid_ <= 0) return;
    kill(SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
};

inline process hold(pid_t pid) {
  auto held = process::open(pid);
  if (!held) throw std::runtime_error(held.error());
  return std::move(*held);
}

inline policies::process_facts sample_now(const process& of) {
  return sample(of, std::chrono::steady_clock::now());
}

/// Samples until `seen` holds, for 20 s at most; the last sample in either case.
template <typename Seen>
policies::process_facts sample_until(const process& of, Seen seen) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  for (;;) {
    auto facts = sample_now(of);
    if (seen(facts) || std::chrono::steady_clock::now() > end) return facts;
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
}

/// The main thread once it sleeps in the system call `number`.
inline policies::process_facts sample_blocked_in(const process& of, long number) {
  return sample_until(of, [&](const policies::process_facts& facts) {
    if (facts.threads.empty()) return false;
    const auto& main_thread = facts.threads.front();
    return main_thread.sleeping && main_thread.syscall && main_thread.syscall->number == number;
  });
}

inline const policies::socket_facts* socket_of(const policies::process_facts& facts, int fd) {
  for (const auto& socket : facts.sockets)
    if (socket.fd == fd) return &socket;
  return nullptr;
}

inline const policies::file_facts* file_of(const policies::process_facts& facts, int fd) {
  for (const auto& file : facts.files)
    if (file.fd == fd) return &file;
  return nullptr;
}

}  // namespace unwedge::evidence
