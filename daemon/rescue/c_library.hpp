// The target's own C library: where in its memory lie the functions that a lease calls.
#pragma once

#include "daemon/evidence/process.hpp"
#include "daemon/inspect/module_files.hpp"

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

namespace unwedge::rescue {

struct c_library {
  std::uint64_t lock = 0, unlock = 0;  ///< pthread_mutex_lock(3), pthread_mutex_unlock
  std::uint64_t system_call = 0;       ///< syscall(2), the function
  std::uint64_t restorer = 0;          ///< the stub `mov $15, %rax; syscall` that signal handlers return to
  std::string path;                    ///< of libc, printable
  std::string sentence;                ///< what was found
};

/// Whether a file of that name is glibc's libc; of glibc before 2.34, its libpthread.
bool names_libc(std::string_view path);
bool names_libpthread(std::string_view path);

/// Finds them in the files that are mapped, never in our own library, and compares the code in memory with
/// the file's: a function that somebody patched is not called. Error (a sentence): there is no such library,
/// there are two, or something is not where it should be. `files` as inspect::open_modules has them.
std::expected<c_library, std::string> find_c_library(const evidence::process& of,
                                                     const inspect::memory_map& map,
                                                     std::span<const inspect::module_file> files);

}  // namespace unwedge::rescue
