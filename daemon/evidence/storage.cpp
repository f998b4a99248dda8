#include "daemon/evidence/storage.hpp"

#include "daemon/evidence/address.hpp"
#include "daemon/evidence/mounts.hpp"

#include <fmt/format.h>

#include <fcntl.h>

#include <algorithm>
#include <string>

namespace unwedge::evidence {

namespace {

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
  const auto table = read_mounts(s.of.proc_dir());
  const auto mounted = mount_with_id(table, *id);
  if (!mounted) return;
  file.file_system = printable(mounted->type);
  file.source = printable(mounted->source);
  file.device_completed = completed(s, mounted->device);
}

}  // namespace unwedge::evidence
