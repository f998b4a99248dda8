#include "daemon/inspect/module_files.hpp"

#include "daemon/evidence/address.hpp"
#include "daemon/evidence/proc_files.hpp"
#include "daemon/evidence/target_memory.hpp"
#include "daemon/inspect/build_id.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <expected>

namespace unwedge::inspect {

namespace {

using evidence::file_descriptor;
using opened = std::expected<file_descriptor, std::string>;

// O_PATH opens nothing of a device; what it names is then known not to be one. `expected`: whose inode it
// must be, if that is not certain already.
opened open_regular(int dir, const char* path, const mapping* expected) {
  constexpr off_t largest = off_t{1} << 30;
  const file_descriptor name{::openat(dir, path, O_PATH | O_CLOEXEC)};
  if (!name) return std::unexpected(evidence::error_text(errno));
  struct stat found{};
  if (::fstat(name.get(), &found) != 0) return std::unexpected(evidence::error_text(errno));
  if (!S_ISREG(found.st_mode)) return std::unexpected("is no regular file");
  if (found.st_size > largest) return std::unexpected("is larger than 1 GiB");
  if (expected != nullptr && (found.st_ino != expected->inode || found.st_dev != expected->device))
    return std::unexpected("is no longer the file that is mapped");
  file_descriptor file{::open(fmt::format("/proc/self/fd/{}", name.get()).c_str(),
                              O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  if (!file) return std::unexpected(evidence::error_text(errno));
  return file;
}

// The kernel's link leads to the mapped file and nowhere else, so its inode needs no check; st_dev could not
// be compared anyway: btrfs and overlayfs show another one in maps than fstat does.
opened open_mapped(const evidence::process& of, const mapping& m) {
  const auto link = fmt::format("map_files/{:x}-{:x}", m.begin, m.end);
  auto file = open_regular(of.proc_dir(), link.c_str(), nullptr);
  if (file || !m.path.starts_with('/')) return file;
  return open_regular(of.proc_dir(), ("root" + m.path).c_str(), &m);
}

file_descriptor open_debug_file(int elf) {
  const auto id = build_id([&](std::size_t offset, std::span<std::byte> into) {
    return ::pread(elf, into.data(), into.size(), static_cast<off_t>(offset)) == std::ssize(into);
  });
  if (id.empty()) return {};
  const auto path = fmt::format("/usr/lib/debug/.build-id/{}/{}.debug", id.substr(0, 2), id.substr(2));
  auto file = open_regular(AT_FDCWD, path.c_str(), nullptr);
  return file ? std::move(*file) : file_descriptor{};
}

std::vector<char> copy_of(const evidence::process& of, const module& m) {
  constexpr std::uint64_t largest = 65'536;
  std::vector<char> image(std::min(m.end - m.begin, largest));
  evidence::target_memory memory{of};
  if (!memory.read(m.begin, std::as_writable_bytes(std::span{image}))) image.clear();
  return image;
}

}  // namespace

std::vector<module_file> open_modules(const evidence::process& of, const module_list& modules,
                                      evidence::missing_list& missing) {
  std::vector<module_file> files;
  if (modules.cut) missing.note("programs and libraries", "", fmt::format("only the first {}", most_modules));
  for (const auto& m : modules.modules) {
    module_file made{.begin = m.begin, .end = m.end, .path = evidence::printable(m.code->path)};
    if (m.vdso) {
      made.image = copy_of(of, m);
      if (!made.image.empty()) files.push_back(std::move(made));
      continue;
    }
    auto file = open_mapped(of, *m.code);
    if (!file) {
      missing.note("symbols", made.path, file.error());
      continue;
    }
    made.elf = std::move(*file);
    made.debug = open_debug_file(made.elf.get());
    files.push_back(std::move(made));
  }
  return files;
}

}  // namespace unwedge::inspect
