#include "daemon/evidence/storage.hpp"

#include "daemon/evidence/address.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

namespace unwedge::evidence {

namespace {

constexpr std::size_t most_mount_bytes = 1 << 20;

std::string mount_table(const process& of) {
  const file_descriptor file{::openat(of.proc_dir(), "mountinfo", O_RDONLY | O_CLOEXEC)};
  std::string text;
  std::array<char, 8'192> part;
  while (file && text.size() < most_mount_bytes) {
    const auto got = ::read(file.get(), part.data(), part.size());
    if (got <= 0) break;
    text.append(part.data(), static_cast<std::size_t>(got));
  }
  return text;
}

std::string_view word(std::string_view line, std::size_t index) {
  for (; index > 0; --index) {
    const auto space = line.find(' ');
    if (space == line.npos) return {};
    line.remove_prefix(space + 1);
  }
  return line.substr(0, line.find(' '));
}

/// proc_pid_mountinfo(5): "ID PARENT MAJ:MIN ROOT POINT OPTIONS [FIELDS...] - TYPE SOURCE SUPER_OPTIONS".
std::string_view line_of_mount(std::string_view table, std::int64_t id) {
  const auto key = fmt::format("{} ", id);
  for (auto at = table.find(key); at != table.npos; at = table.find(key, at + 1))
    if (at == 0 || table[at - 1] == '\n') return table.substr(at, table.find('\n', at) - at);
  return {};
}

/// Documentation/block/stat.rst: reads, writes, discards and flushes completed are fields 1, 5, 12 and 16.
std::optional<std::uint64_t> completed(sampling& s, std::string_view device) {
  const bool anonymous = device.starts_with("0:");
  if (device.empty() || anonymous) return std::nullopt;
  const auto text = s.files.read(AT_FDCWD, fmt::format("/sys/dev/block/{}/stat", device).c_str());
  if (!text) return std::nullopt;
  std::uint64_t sum = 0;
  std::string_view rest = *text;
  for (int field = 1; field <= 17; ++field) {
    const auto begin = rest.find_first_not_of(" \n");
    if (begin == rest.npos) break;
    rest.remove_prefix(begin);
    const auto end = std::min(rest.find_first_of(" \n"), rest.size());
    std::uint64_t value = 0;
    std::from_chars(rest.data(), rest.data() + end, value);
    if (field == 1 || field == 5 || field == 12 || field == 16) sum += value;
    rest.remove_prefix(end);
  }
  return sum;
}

}  // namespace

void look_below(sampling& s, policies::file_facts& file) {
  const auto info = s.files.read(s.of.proc_dir(), fmt::format("fdinfo/{}", file.fd).c_str());
  const auto id = info ? number_after(*info, "mnt_id:") : std::nullopt;
  if (!id) return;
  const auto table = mount_table(s.of);
  const auto line = line_of_mount(table, *id);
  const auto dash = line.find(" - ");
  if (dash == line.npos) return;
  const auto tail = line.substr(dash + 3);
  file.file_system = printable(word(tail, 0));
  file.source = printable(word(tail, 1));
  file.device_completed = completed(s, word(line, 2));
}

}  // namespace unwedge::evidence
