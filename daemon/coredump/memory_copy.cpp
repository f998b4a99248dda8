#include "daemon/coredump/memory_copy.hpp"

#include "daemon/evidence/file_descriptor.hpp"
#include "daemon/evidence/proc_files.hpp"

#include <fmt/format.h>

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace unwedge::coredump {
namespace {

constexpr std::uint64_t page = 4'096;
/// Unused pages between two used ones of anonymous memory are written as zeros up to here: fewer segments.
constexpr std::uint64_t worth_a_gap = 64u << 10;
constexpr std::size_t most_segments = PN_XNUM - 2;

struct run {
  std::uint64_t begin = 0, end = 0;
};

/// Which pages of a range are in use: bits 63 (in memory) and 62 (swapped) of proc_pid_pagemap(5).
class page_lookup {
 public:
  explicit page_lookup(const evidence::process& of)
      : file_{::openat(of.proc_dir(), "pagemap", O_RDONLY | O_CLOEXEC)} {}

  /// Calls `used(run)` for each run of pages in use.
  template <typename F>
  void runs(std::uint64_t begin, std::uint64_t end, F&& used) {
    run now;
    for (auto at = begin; at < end;) {
      const auto count = std::min<std::uint64_t>(words_.size(), (end - at) / page);
      const auto got = file_ ? ::pread(file_.get(), words_.data(), count * sizeof(std::uint64_t),
                                       static_cast<off_t>(at / page * sizeof(std::uint64_t)))
                             : -1;
      if (got <= 0) break;
      for (std::size_t i = 0; i < static_cast<std::size_t>(got) / sizeof(std::uint64_t); ++i, at += page) {
        if ((words_[i] >> 62) == 0) continue;
        if (now.end != at) {
          if (now.end > now.begin) used(now);
          now.begin = at;
        }
        now.end = at + page;
      }
    }
    if (now.end > now.begin) used(now);
  }

 private:
  evidence::file_descriptor file_;
  std::vector<std::uint64_t> words_ = std::vector<std::uint64_t>(65'536);
};

class copier {
 public:
  copier(const evidence::process& of, arena& into) : of_(of), into_(into), pages_(of) {}

  std::expected<std::vector<segment>, std::string> copy(const std::vector<region>& regions) {
    for (const auto& r : regions) {
      if (!add(r)) return std::unexpected("it needs more memory than a moment ago");
      if (segments_.size() > most_segments) return std::unexpected("its memory is too scattered for a core");
    }
    return std::move(segments_);
  }

 private:
  bool add(const region& r) {
    const auto what = chosen(r);
    if (what == part::nothing) return hold(r, r.begin, r.end, 0), true;
    if (what == part::header) return add_header(r);
    const auto least_gap = what == part::present ? worth_a_gap : page;
    bool fits = true;
    auto done = r.begin;
    run wide;
    const auto emit = [&] {
      if (wide.begin > done) hold(r, done, wide.begin, 0);
      fits = fits && copy_run(r, wide);
      done = wide.end;
    };
    gathered_.clear();
    pages_.runs(r.begin, r.end, [&](const run& used) {
      if (wide.end > wide.begin && used.begin - wide.end >= least_gap) {
        emit();
        gathered_.clear();
        wide = used;
      } else {
        wide = {wide.end > wide.begin ? wide.begin : used.begin, used.end};
      }
      gathered_.push_back(used);
    });
    if (r.path == "[vdso]") {  // of the kernel's: pages that nobody touched are there as well
      wide = {r.begin, r.end};
      gathered_.assign(1, wide);
    }
    if (wide.end > wide.begin) emit();
    if (done < r.end) hold(r, done, r.end, 0);
    return fits;
  }

  void hold(const region& r, std::uint64_t begin, std::uint64_t end, std::uint64_t held, std::size_t at = 0) {
    segments_.push_back({.address = begin,
                         .size = end - begin,
                         .held = held,
                         .at = at,
                         .readable = r.readable,
                         .writable = r.writable,
                         .executable = r.executable});
  }

  bool add_header(const region& r) {
    bool in_memory = false;
    pages_.runs(r.begin, r.begin + page, [&](const run&) { in_memory = true; });
    const auto at = into_.used();
    const auto room = in_memory ? into_.take(page) : std::span<std::byte>{};
    if (in_memory && room.empty()) return false;
    const bool elf = in_memory && read(room, r.begin) && std::memcmp(room.data(), ELFMAG, SELFMAG) == 0;
    hold(r, r.begin, r.end, elf ? page : 0, at);
    return true;
  }

  bool copy_run(const region& r, const run& wide) {
    const auto at = into_.used();
    const auto room = into_.take(wide.end - wide.begin);
    if (room.empty()) return false;
    hold(r, wide.begin, wide.end, room.size(), at);
    constexpr std::size_t batch = 512;  // IOV_MAX is 1024
    for (std::size_t i = 0; i < gathered_.size(); i += batch)
      read_runs(std::span(gathered_).subspan(i, std::min(batch, gathered_.size() - i)), wide.begin, room);
    return true;
  }

  // All at once; where a page fails the kernel stops, and each is tried for itself.
  void read_runs(std::span<const run> runs, std::uint64_t begin, std::span<std::byte> room) {
    std::array<iovec, 512> ours, theirs;
    std::size_t wanted = 0;
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const auto size = runs[i].end - runs[i].begin;
      ours[i] = {room.data() + (runs[i].begin - begin), size};
      // The kernel's interface is an address as a pointer; it is never dereferenced here.
      // NOLINTNEXTLINE(performance-no-int-to-ptr)
      theirs[i] = {reinterpret_cast<void*>(runs[i].begin), size};
      wanted += size;
    }
    const auto got = ::process_vm_readv(of_.pid(), ours.data(), runs.size(), theirs.data(), runs.size(), 0);
    if (got >= 0 && static_cast<std::size_t>(got) == wanted) return;
    for (const auto& one : runs)
      for (auto at = one.begin; at < one.end; at += page) read(room.subspan(at - begin, page), at);
  }

  bool read(std::span<std::byte> room, std::uint64_t from) {
    const iovec ours{room.data(), room.size()};
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    const iovec theirs{reinterpret_cast<void*>(from), room.size()};
    return ::process_vm_readv(of_.pid(), &ours, 1, &theirs, 1, 0) == static_cast<ssize_t>(room.size());
  }

  const evidence::process& of_;
  arena& into_;
  page_lookup pages_;
  std::vector<run> gathered_;
  std::vector<segment> segments_;
};

}  // namespace

std::expected<arena, std::string> arena::make(std::size_t bytes) {
  void* const base = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED)
    return std::unexpected(fmt::format("{} MiB of memory: {}", bytes >> 20, evidence::error_text(errno)));
  ::madvise(base, bytes, MADV_HUGEPAGE);
  ::madvise(base, bytes, MADV_POPULATE_WRITE);  // Linux 5.14; without it the copying takes a little longer
  return arena{static_cast<std::byte*>(base), bytes};
}

arena::~arena() {
  if (base_ != nullptr) ::munmap(base_, size_);
}

std::span<std::byte> arena::take(std::size_t bytes) {
  if (bytes > size_ - used_) return {};
  const std::span<std::byte> room{base_ + used_, bytes};
  used_ += bytes;
  return room;
}

std::expected<std::vector<segment>, std::string> copy_memory(const evidence::process& of,
                                                             const std::vector<region>& regions,
                                                             arena& into) {
  return copier{of, into}.copy(regions);
}

}  // namespace unwedge::coredump
