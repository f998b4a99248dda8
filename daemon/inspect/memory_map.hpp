// What is mapped where in a process: /proc/PID/maps under limits. The parsing is pure.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace unwedge::inspect {

/// One line of proc_pid_maps(5).
struct mapping {
  std::uint64_t begin = 0, end = 0;  ///< addresses in the process
  bool writable = false, executable = false;
  bool shared = false;
  std::uint64_t offset = 0;  ///< in the file
  dev_t device = 0;
  ino_t inode = 0;   ///< 0: no file behind it
  std::string path;  ///< as the kernel escapes it, cut at 4 KiB; empty: anonymous
};

struct memory_map {
  std::vector<mapping> mappings;  ///< by address
  bool cut = false;               ///< there were more than the limits allow

  /// The mapping that `address` lies in; nullptr: none.
  const mapping* at(std::uint64_t address) const;
};

inline constexpr std::size_t most_mappings = 131'072;  ///< twice the kernel's default vm.max_map_count
inline constexpr std::size_t most_map_bytes = 32 << 20;

/// nullopt: not such a line.
std::optional<mapping> parse_mapping(std::string_view line);

/// Reads the file `maps` relative to `proc_dir`. Blocks while the kernel makes us wait for the process's
/// memory lock. Error: errno.
std::expected<memory_map, int> read_memory_map(int proc_dir);

}  // namespace unwedge::inspect
