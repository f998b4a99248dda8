// An ELF core file as core(5) and gdb know it: notes of the process and its threads, and its memory. x86-64.
// Pure but for the sink.
#pragma once

#include "daemon/coredump/memory_copy.hpp"
#include "daemon/coredump/standstill.hpp"

#include <cstddef>
#include <expected>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace unwedge::coredump {

/// What the notes tell of the process.
struct core_facts {
  pid_t pid = 0;
  std::string comm, command_line;
  std::vector<std::byte> auxv;  ///< /proc/PID/auxv as it is
  std::vector<region> regions;
  std::vector<thread_registers> threads;
};

using sink = std::function<std::expected<void, std::string>(std::span<const std::byte>)>;

/// Writes header, notes and segments in order. Error: the sink's.
std::expected<void, std::string> write_core(const core_facts&, const std::vector<segment>&, const arena&,
                                            const sink& to);

/// Bytes that write_core writes.
std::uint64_t core_size(const core_facts&, const std::vector<segment>&);

}  // namespace unwedge::coredump
