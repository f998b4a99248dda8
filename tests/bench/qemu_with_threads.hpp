// A QEMU of its own for a benchmark: no guest that runs, as many threads as are asked for.
#pragma once

#include <sys/types.h>

#include <cstddef>

namespace unwedge::bench {

/// The threads that it has anyway, main and call_rcu among them, and an iothread for each of the others. They
/// all sleep, as those of a QEMU that hangs do. Throws std::runtime_error if it does not come up; its end is
/// the process's.
class qemu_with_threads {
 public:
  explicit qemu_with_threads(std::size_t count);
  ~qemu_with_threads();
  qemu_with_threads(const qemu_with_threads&) = delete;
  qemu_with_threads& operator=(const qemu_with_threads&) = delete;

  pid_t pid() const { return pid_; }

 private:
  std::size_t threads() const;

  pid_t pid_ = -1;
};

}  // namespace unwedge::bench
