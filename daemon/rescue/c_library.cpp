#include "daemon/rescue/c_library.hpp"

#include "daemon/evidence/proc_files.hpp"
#include "daemon/rescue/library_file.hpp"
#include "daemon/rescue/remote_memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

namespace unwedge::rescue {

namespace {

using inspect::module_file;
using found = std::expected<std::uint64_t, std::string>;

constexpr auto stub = std::to_array<unsigned char>({0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05});
constexpr std::size_t least_compared = 32, most_compared = 1024;

std::string_view name_of(std::string_view path) {
  constexpr std::string_view deleted = " (deleted)";
  if (path.ends_with(deleted)) path.remove_suffix(deleted.size());
  return path.substr(path.rfind('/') + 1);
}

file_bytes bytes_of(const module_file& file) {
  return [fd = file.elf.get()](std::size_t offset, std::span<std::byte> into) {
    return ::pread(fd, into.data(), into.size(), static_cast<off_t>(offset)) == std::ssize(into);
  };
}

class library {
 public:
  library(const evidence::process& of, const inspect::memory_map& map, const module_file& file)
      : of_(of), map_(map), file_(file), bytes_(bytes_of(file)) {}

  std::expected<std::vector<std::uint64_t>, std::string> functions(
      std::span<const std::string_view> names) const {
    const auto functions = find_functions(bytes_, names);
    if (!functions) return std::unexpected(said(functions.error()));
    std::vector<std::uint64_t> places;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto size = std::clamp<std::size_t>((*functions)[i].size, least_compared, most_compared);
      const auto place = place_of((*functions)[i].offset, size, names[i]);
      if (!place) return std::unexpected(place.error());
      places.push_back(*place);
    }
    return places;
  }

  found restorer() const {
    const auto offset = find_in_code(bytes_, std::as_bytes(std::span{stub}));
    if (!offset) return std::unexpected(said("it has no rt_sigreturn stub"));
    return place_of(*offset, stub.size(), "rt_sigreturn stub");
  }

 private:
  found place_of(std::uint64_t offset, std::size_t size, std::string_view what) const {
    for (const auto& m : map_.mappings) {
      if (!m.executable || m.begin < file_.begin || m.end > file_.end) continue;
      if (offset < m.offset || offset - m.offset >= m.end - m.begin) continue;
      const auto address = m.begin + (offset - m.offset);
      if (const auto why = differs(offset, address, std::min<std::size_t>(size, m.end - address));
          !why.empty())
        return std::unexpected(said(fmt::format("{}: {}", what, why)));
      return address;
    }
    return std::unexpected(said(fmt::format("its {} is not mapped", what)));
  }

  std::string differs(std::uint64_t offset, std::uint64_t address, std::size_t size) const {
    // The file first: the page is then in the page cache, and neither we nor the thread wait for a disk.
    std::vector<std::byte> in_file(size), in_memory(size);
    if (!bytes_(offset, in_file)) return "the file cannot be read";
    if (!read_remote(of_.pid(), address, in_memory)) return evidence::error_text(errno);
    return in_file == in_memory ? "" : "its code in memory is not that of the file";
  }

  std::string said(std::string_view what) const { return fmt::format("{}: {}", file_.path, what); }

  const evidence::process& of_;
  const inspect::memory_map& map_;
  const module_file& file_;
  file_bytes bytes_;
};

// nullptr without an error: none.
std::expected<const module_file*, std::string> only_one(std::span<const module_file> files,
                                                        bool (*is)(std::string_view)) {
  const module_file* one = nullptr;
  for (const auto& file : files) {
    if (!file.elf || !is(file.path)) continue;
    if (one != nullptr) return std::unexpected(fmt::format("there are two: {} and {}", one->path, file.path));
    one = &file;
  }
  return one;
}

}  // namespace

bool names_libc(std::string_view path) {
  const auto name = name_of(path);
  return name == "libc.so.6" || (name.starts_with("libc-2.") && name.ends_with(".so"));
}

bool names_libpthread(std::string_view path) {
  const auto name = name_of(path);
  return name == "libpthread.so.0" || (name.starts_with("libpthread-2.") && name.ends_with(".so"));
}

std::expected<c_library, std::string> find_c_library(const evidence::process& of,
                                                     const inspect::memory_map& map,
                                                     std::span<const module_file> files) {
  const auto libc = only_one(files, names_libc);
  if (!libc) return std::unexpected(libc.error());
  if (*libc == nullptr)
    return std::unexpected("no libc.so.6 of glibc is mapped, or its file cannot be opened");
  const auto threads = only_one(files, names_libpthread);
  if (!threads) return std::unexpected(threads.error());
  const library base{of, map, **libc};
  const library locks{of, map, *threads != nullptr ? **threads : **libc};
  const auto calls = base.functions(std::to_array<std::string_view>({"syscall"}));
  if (!calls) return std::unexpected(calls.error());
  const auto mutex =
      locks.functions(std::to_array<std::string_view>({"pthread_mutex_lock", "pthread_mutex_unlock"}));
  if (!mutex) return std::unexpected(mutex.error());
  const auto restorer = base.restorer();
  if (!restorer) return std::unexpected(restorer.error());
  c_library made{.lock = (*mutex)[0],
                 .unlock = (*mutex)[1],
                 .system_call = (*calls)[0],
                 .restorer = *restorer,
                 .path = (*libc)->path,
                 .sentence = {}};
  made.sentence = fmt::format(
      "{}: pthread_mutex_lock at {:#x}, _unlock at {:#x}, syscall at {:#x}, rt_sigreturn at "
      "{:#x}; the code in memory is the file's",
      made.path, made.lock, made.unlock, made.system_call, made.restorer);
  return made;
}

}  // namespace unwedge::rescue
