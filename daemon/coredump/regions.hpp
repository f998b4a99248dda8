// What is mapped where in a QEMU, and which of it a core is to hold: /proc/PID/smaps under limits. Parsing
// and choosing are pure. What tells guest memory from QEMU's own is in docs/cores.md.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace unwedge::coredump {

/// What a core holds of a mapping.
enum class part {
  nothing,
  present,  ///< its pages that are in use; the rest is zero
  changed,  ///< those of a file's mapping that differ from the file may: all that are in memory
  header,   ///< the first page of a program or library, which names its build
};

/// One mapping, as proc_pid_smaps(5) has it.
struct region {
  std::uint64_t begin = 0, end = 0;
  bool readable = false, writable = false, executable = false, shared = false;
  std::uint64_t offset = 0;                                ///< in the file
  std::uint64_t inode = 0;                                 ///< 0: no file behind it
  std::string path;                                        ///< as the kernel escapes it, cut at 4 KiB
  std::uint64_t resident = 0, anonymous = 0, swapped = 0;  ///< bytes
  bool not_forked = false;  ///< "dc", MADV_DONTFORK: QEMU sets it on every RAM block
  bool not_dumped = false;  ///< "dd", MADV_DONTDUMP
  bool device = false;      ///< "io" or "pf": no memory

  std::uint64_t size() const { return end - begin; }
};

/// Bounds of what a hostile process can make us read.
inline constexpr std::size_t most_regions = 131'072;  ///< twice the kernel's default vm.max_map_count
inline constexpr std::size_t most_smaps_bytes = 256u << 20;

/// Takes the lines of an smaps (or maps) file one by one.
class region_reader {
 public:
  /// Unknown lines are left out.
  void take(std::string_view line);
  std::vector<region> regions;
  bool cut = false;  ///< there were more than the limit
};

/// The regions of the process with this /proc directory, from "smaps" or "maps" (then without what only
/// smaps tells). Blocks while the kernel makes us wait for the process's memory lock. Error: a sentence.
std::expected<std::vector<region>, std::string> read_regions(int proc_dir, const char* file);

/// Guest memory, or what may be: a RAM block (RAM, ROM, video memory), memory shared with others (vhost-user
/// backends), a huge-page file.
bool guest_memory(const region&);

/// Guest memory that a core of the kernel's holds when only private anonymous memory is asked for.
bool in_a_kernel_core(const region&);

part chosen(const region&);

/// What copying it costs at most: bytes.
std::uint64_t bytes_to_copy(const region&);

/// Flags as `maps` does not have them, from what smaps said a moment ago. A mapping that smaps did not have
/// (it is new) and that is larger than a thread's stack is taken for guest memory: in doubt it is left out.
void carry_over(const std::vector<region>& smaps, std::vector<region>& maps);

}  // namespace unwedge::coredump
