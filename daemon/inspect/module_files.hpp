// The files behind a process's modules, opened while we still may. Opens and copies; parses nothing but a
// build id.
#pragma once

#include "daemon/evidence/file_descriptor.hpp"
#include "daemon/evidence/missing_list.hpp"
#include "daemon/evidence/process.hpp"
#include "daemon/inspect/modules.hpp"

namespace unwedge::inspect {

/// Where to get a module's ELF from: an open file, or a copy of what is in memory (vDSO).
struct module_file {
  std::uint64_t begin = 0, end = 0;
  std::string path;                 ///< printable
  evidence::file_descriptor elf;    ///< regular; none for the vDSO
  evidence::file_descriptor debug;  ///< its separate debug file below /usr/lib/debug, if it is installed
  std::vector<char> image;          ///< the vDSO's bytes
};

/// Opens the files of `modules`: the mapped file itself through /proc/PID/map_files (proc_pid_map_files(5):
/// also a deleted one, in whatever mount namespace), else, where that is not permitted, its path below
/// /proc/PID/root if inode and device are those of the map. Only regular files are opened, so no device and
/// no FIFO feels it. What cannot be opened is noted in `missing` and left out. Never fetches debug files.
std::vector<module_file> open_modules(const evidence::process& of, const module_list& modules,
                                      evidence::missing_list& missing);

}  // namespace unwedge::inspect
