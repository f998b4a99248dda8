// What a thread waits for, beyond its system call's arguments: the words behind a lock, the descriptors in a
// poll.
#pragma once

#include "daemon/evidence/missing_list.hpp"
#include "daemon/evidence/proc_files.hpp"
#include "daemon/evidence/target_memory.hpp"
#include "policies/evidence.hpp"

#include <span>
#include <utility>
#include <vector>

namespace unwedge::evidence {

/// What the rooms of one sample share. Lives as long as one call of sample().
struct sampling {
  const process& of;
  policies::process_facts& facts;
  missing_list& missing;
  proc_reader& files;
  target_memory& memory;
  /// Of every thread its tid as the process itself knows it, and as we do (pid_namespaces(7)); sorted.
  std::vector<std::pair<pid_t, pid_t>> tids{};
  bool in_inner_namespace = false;             ///< those two are not the same
  std::uint64_t data_begin = 0, data_end = 0;  ///< the program's own data, zeroed data included
};

/// Fills waits_for, polled_fds and io_fd of every thread in `s.facts.threads` from its syscall. The owner of
/// a lock is kept only if it is one of these threads: behind a lock that is no pthread mutex (malloc's,
/// stdio's) stands something else.
void follow_waits(sampling& s);

/// Most pollfds looked at in one call; more are noted as missing.
inline constexpr std::size_t most_polled = 1024;

}  // namespace unwedge::evidence
