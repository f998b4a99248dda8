// A core of a process that goes on running: everything stands still for as long as it takes to copy its own
// memory, guest memory is left out, the file is made afterwards.
#pragma once

#include "daemon/coredump/census.hpp"
#include "daemon/coredump/core_file.hpp"

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>

namespace unwedge::coredump {

struct core_request {
  std::string folder, name;  ///< of the file
  file_bounds bounds;
  std::uint64_t most_copied = 2u << 30;  ///< bytes; they are held in memory until the file is written
  std::chrono::milliseconds longest_stop{
      2'000};  ///< after this the kernel kills us, see inspect/stop_limit.hpp
};

struct core_result {
  std::uint64_t file_bytes = 0;    ///< compressed
  std::uint64_t core_bytes = 0;    ///< the ELF core
  std::uint64_t guest_memory = 0;  ///< bytes left out
  std::size_t threads = 0;
  std::size_t late = 0;  ///< threads in an uninterruptible wait: of their registers only where they wait
  std::chrono::microseconds stopped{0};  ///< from the first thread's stop to the last's end
  std::chrono::milliseconds took{0};     ///< all of it
};

/// Error (a sentence): it may not be taken (forbids_core), the estimate is above longest_stop, the copy is
/// larger than most_copied or the free memory, a thread does not stop, the disk. Then there is no file, and
/// the process runs. Blocks for seconds; SIGCHLD is blocked by it, for good.
std::expected<core_result, std::string> take_core(const evidence::process&, const core_request&);

}  // namespace unwedge::coredump
