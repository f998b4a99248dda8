// What unwedge-rescue can be asked for, and the command that asks. Pure. `of` is never null.
#pragma once

#include "daemon/child/command.hpp"
#include "daemon/evidence/process.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

namespace unwedge::rescuing {

/// A thread is to give its mutexes away for a while.
struct lease_request {
  std::shared_ptr<const evidence::process> of;
  pid_t holder = 0;
  std::vector<std::uint64_t> mutexes;  ///< addresses; the BQL first, then others that it holds as well
  std::chrono::milliseconds window{3'000};
  bool frees_graph = false;  ///< a node goes with its job in the window, or the job itself
};

/// A connection is to be shut down.
struct sever_request {
  std::shared_ptr<const evidence::process> of;
  int fd = -1;              ///< in that process
  std::uint64_t inode = 0;  ///< of the socket that it must be
};

/// How long things may take. The defaults leave unwedge-rescue the time that it gives itself.
struct patience {
  std::chrono::milliseconds look{30'000};   ///< at the process; unwinding takes 20 s at most
  std::chrono::milliseconds after{15'000};  ///< the window, until the holder has its mutexes again: 10 s
  std::chrono::milliseconds grace{3'000};   ///< for one that is told to end
};

child::command lease_command(std::filesystem::path program, const lease_request&, const patience&);
child::command sever_command(std::filesystem::path program, const sever_request&, const patience&);
/// The same, and only the preconditions are looked at.
child::command planned(child::command, const patience&);

}  // namespace unwedge::rescuing
