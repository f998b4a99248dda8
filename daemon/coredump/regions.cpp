#include "daemon/coredump/regions.hpp"

#include "daemon/evidence/file_descriptor.hpp"
#include "daemon/evidence/proc_files.hpp"

#include <fmt/format.h>

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

namespace unwedge::coredump {
namespace {

constexpr std::uint64_t page = 4'096;
constexpr std::uint64_t stack_size = 9u << 20;  // glibc's default of 8 MiB, with guard
constexpr std::size_t longest_line = 8'192;

bool number(std::string_view& text, std::uint64_t& into, int base) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into, base);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool skip(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

/// "55cc-55dd rw-p 0000 fe:00 17    /usr/bin/qemu"
bool parse_head(std::string_view line, region& r) {
  if (!number(line, r.begin, 16) || !skip(line, '-') || !number(line, r.end, 16) || !skip(line, ' '))
    return false;
  if (r.end <= r.begin || line.size() < 5) return false;
  r.readable = line[0] == 'r';
  r.writable = line[1] == 'w';
  r.executable = line[2] == 'x';
  r.shared = line[3] == 's';
  line.remove_prefix(5);
  std::uint64_t device = 0;
  if (!number(line, r.offset, 16) || !skip(line, ' ') || !number(line, device, 16) || !skip(line, ':') ||
      !number(line, device, 16) || !skip(line, ' ') || !number(line, r.inode, 10))
    return false;
  const auto name = line.find_first_not_of(' ');
  if (name != line.npos) r.path = line.substr(name, 4'096);
  return true;
}

std::uint64_t kilobytes(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  std::uint64_t value = 0;
  return number(text, value, 10) ? value << 10 : 0;
}

void parse_flags(std::string_view text, region& r) {
  for (std::size_t at = 0; at + 2 < text.size(); at += 3) {
    const auto flag = text.substr(at + 1, 2);
    if (flag == "dc") r.not_forked = true;
    if (flag == "dd") r.not_dumped = true;
    if (flag == "io" || flag == "pf") r.device = true;
  }
}

bool huge_page_file(const region& r) {
  return r.path.starts_with("/dev/hugepages") || r.path.contains("hugetlbfs") ||
         r.path.starts_with("/anon_hugepage");
}

}  // namespace

void region_reader::take(std::string_view line) {
  if (line.empty()) return;
  const bool head = (line[0] >= '0' && line[0] <= '9') || (line[0] >= 'a' && line[0] <= 'f');
  if (head) {
    region made;
    if (!parse_head(line, made)) return;
    if (regions.size() == most_regions)
      cut = true;
    else
      regions.push_back(std::move(made));
    return;
  }
  if (regions.empty() || cut) return;
  auto& r = regions.back();
  if (line.starts_with("Rss:")) r.resident = kilobytes(line.substr(4));
  if (line.starts_with("Anonymous:")) r.anonymous = kilobytes(line.substr(10));
  if (line.starts_with("Swap:")) r.swapped = kilobytes(line.substr(5));
  if (line.starts_with("VmFlags:")) parse_flags(line.substr(8), r);
}

std::expected<std::vector<region>, std::string> read_regions(int proc_dir, const char* file) {
  const evidence::file_descriptor from{::openat(proc_dir, file, O_RDONLY | O_CLOEXEC)};
  if (!from) return std::unexpected(fmt::format("open {}: {}", file, evidence::error_text(errno)));
  region_reader into;
  std::string rest;
  std::array<char, 65'536> chunk;
  for (std::size_t bytes = 0; bytes < most_smaps_bytes && !into.cut;) {
    const auto got = ::read(from.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(fmt::format("read {}: {}", file, evidence::error_text(errno)));
    if (got == 0) return std::move(into.regions);
    bytes += static_cast<std::size_t>(got);
    rest.append(chunk.data(), static_cast<std::size_t>(got));
    std::size_t begin = 0;
    for (auto end = rest.find('\n'); end != rest.npos; end = rest.find('\n', begin)) {
      into.take(std::string_view{rest}.substr(begin, end - begin));
      begin = end + 1;
    }
    rest.erase(0, begin);
    if (rest.size() > longest_line) rest.resize(longest_line);
  }
  return std::unexpected(fmt::format("{} has more than {} mappings", file, most_regions));
}

bool guest_memory(const region& r) {
  return r.not_forked || r.not_dumped || r.shared || huge_page_file(r);
}

bool in_a_kernel_core(const region& r) {
  return r.not_forked && !r.not_dumped && !r.shared && !huge_page_file(r) && r.readable && r.inode == 0;
}

part chosen(const region& r) {
  if (!r.readable || r.device || guest_memory(r) || r.path == "[vsyscall]" || r.path.starts_with("[vvar"))
    return part::nothing;
  if (r.inode == 0) {
    // TCG's generated code: up to 1 GiB, made from what the guest runs, and no unwinder finds a way through.
    const bool generated = r.executable && r.writable;
    return generated ? part::nothing : part::present;
  }
  if (r.writable || r.anonymous > 0) return part::changed;
  return r.offset == 0 ? part::header : part::nothing;
}

std::uint64_t bytes_to_copy(const region& r) {
  switch (chosen(r)) {
    case part::nothing:
      return 0;
    case part::present:
    case part::changed:
      return r.resident + r.swapped;
    case part::header:
      return page;
  }
  return 0;
}

void carry_over(const std::vector<region>& smaps, std::vector<region>& maps) {
  auto known = smaps.begin();
  for (auto& r : maps) {
    while (known != smaps.end() && known->end <= r.begin) ++known;
    // A mapping may have been split, joined or moved since: only what lies in a known one is known.
    bool covered = false;
    for (auto k = known; k != smaps.end() && k->begin < r.end; ++k) {
      r.not_forked = r.not_forked || k->not_forked;
      r.not_dumped = r.not_dumped || k->not_dumped;
      r.device = r.device || k->device;
      r.anonymous += k->anonymous;
      covered = covered || (k->begin <= r.begin && r.end <= k->end);
    }
    const bool grown = r.path == "[heap]" || r.path == "[stack]";
    if (!covered && !grown && r.inode == 0 && r.size() > stack_size) r.not_forked = true;
  }
}

}  // namespace unwedge::coredump
