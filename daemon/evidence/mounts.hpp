// What is mounted where, as proc_pid_mountinfo(5) tells it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace unwedge::evidence {

/// Views of the line that was parsed. Text of the kernel's, with its escapes; hostile where users may mount.
struct mount_line {
  std::int64_t id = 0;
  std::string_view device;  ///< "MAJ:MIN"
  std::string_view point;
  std::string_view type;  ///< the file system
  std::string_view source;
  std::string_view super_options;  ///< separated by commas
};

/// "ID PARENT MAJ:MIN ROOT POINT OPTIONS [FIELDS...] - TYPE SOURCE SUPER_OPTIONS"; nullopt: it is no such
/// line. Pure.
std::optional<mount_line> parse_mount(std::string_view line);

/// Of a table, from read_mounts. The views live as long as the table. Pure.
std::optional<mount_line> mount_with_id(std::string_view table, std::int64_t id);

/// The first MiB of the mounts that a process sees; `proc_dir` is its folder in /proc. Empty: it cannot be
/// read.
std::string read_mounts(int proc_dir);

}  // namespace unwedge::evidence
