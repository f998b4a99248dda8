// The files of one incident, for those who take them elsewhere.
#include "daemon/incident/incident_id.hpp"
#include "daemon/incident/store.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace unwedge::incidents {
namespace {

constexpr std::string_view journal_name = "journal.jsonl";
constexpr std::size_t most_files = 256;

/// The journal only grows; other files are replaced as a whole, by one that was written beside them.
std::string version_of(std::string_view name, const struct stat& s) {
  if (name == journal_name) return fmt::format("{}", s.st_ino);
  return fmt::format("{}-{}.{:09}", s.st_ino, s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
}

std::expected<std::string, std::string> read_at(int fd, std::size_t offset, std::size_t count) {
  std::string bytes(count, '\0');
  std::size_t have = 0;
  while (have < count) {
    const auto got = ::pread(fd, bytes.data() + have, count - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(errno_text("read"));
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

}  // namespace

store::result<std::vector<stored_file>> store::files(std::string_view id) const {
  if (auto folder = open_folder(id); !folder)
    return std::unexpected(fmt::format("incident {}", folder.error()));
  std::vector<stored_file> found;
  std::error_code ec;
  for (std::filesystem::directory_iterator entry{path_of(id), ec}, end; !ec && entry != end;
       entry.increment(ec)) {
    auto name = entry->path().filename().string();
    std::error_code gone;
    if (!valid_file_name(name) || !std::filesystem::is_regular_file(entry->symlink_status(gone))) continue;
    const auto bytes = entry->file_size(gone);
    if (!gone) found.push_back({std::move(name), bytes});
    if (found.size() == most_files) break;
  }
  if (ec) return std::unexpected(fmt::format("incident {}: {}", id, ec.message()));
  std::ranges::sort(found, {}, &stored_file::name);
  return found;
}

store::result<file_part> store::read_part(std::string_view id, std::string_view name, std::size_t offset,
                                          std::size_t limit) const {
  if (name != journal_name && !valid_attachment_name(name))
    return std::unexpected("that is no name of an incident's file");
  auto folder = open_folder(id);
  if (!folder) return std::unexpected(fmt::format("incident {}", folder.error()));
  const auto file = open_at(folder->get(), std::string{name}, O_RDONLY | O_NONBLOCK);
  if (!file) return std::unexpected(fmt::format("incident {}: {}", id, file.error()));
  struct stat status{};
  if (::fstat(file->get(), &status) != 0) return std::unexpected(errno_text("stat"));
  if (!S_ISREG(status.st_mode)) return std::unexpected(fmt::format("{} is not a regular file", name));
  file_part part{
      .total = static_cast<std::size_t>(status.st_size), .version = version_of(name, status), .bytes = {}};
  if (offset >= part.total) return part;
  auto bytes = read_at(file->get(), offset, std::min(limit, part.total - offset));
  if (!bytes) return std::unexpected(fmt::format("incident {}: {}: {}", id, name, bytes.error()));
  part.bytes = std::move(*bytes);
  return part;
}

}  // namespace unwedge::incidents
