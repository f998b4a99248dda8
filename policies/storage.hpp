// File I/O that stands still, seen from outside: worker threads in one call, or an io_uring's requests. Pure.
#pragma once

#include "policies/verdict.hpp"
#include "policies/wait_roots.hpp"

#include <optional>

namespace unwedge::policies {

struct still_file {
  wait_root root;
  std::string reason;   ///< one sentence
  bool device_at_work;  ///< the block device below it completes requests: slow, not stuck
};

/// The file that `waiter` itself is blocked on, as the last sample shows it.
still_file blocked_file(samples_view samples, const thread_facts& waiter);

/// File I/O that other threads than `waiter` are blocked in, or an io_uring has not completed, the same over
/// all samples. nullopt: there is none.
std::optional<still_file> still_file_io(samples_view samples, const thread_facts& waiter);

}  // namespace unwedge::policies
