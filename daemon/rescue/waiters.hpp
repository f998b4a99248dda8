// Who of a process's threads waits for a mutex, and which sleeps in a lease; one look at each, nothing
// stopped.
#pragma once

#include "daemon/evidence/process.hpp"

#include <cstdint>
#include <vector>

namespace unwedge::rescue {

class waiters {
 public:
  explicit waiters(const evidence::process& of);

  std::size_t count(std::uint64_t mutex) const;
  bool waits(pid_t tid, std::uint64_t mutex) const;
  /// What is waited for, by whomever; each once.
  std::vector<std::uint64_t> mutexes() const;
  /// The thread in which a lease runs; 0: none.
  pid_t leased() const { return leased_; }

 private:
  struct wait {
    pid_t tid;
    std::uint64_t mutex;
    bool operator==(const wait&) const = default;
  };
  std::vector<wait> waits_;
  pid_t leased_ = 0;
};

}  // namespace unwedge::rescue
