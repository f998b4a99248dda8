// The store as a whole: what is there, and what goes when it grows too large.
#include "daemon/incident/incident_id.hpp"
#include "daemon/incident/store.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <algorithm>
#include <system_error>

namespace unwedge::incidents {

namespace fs = std::filesystem;

namespace {

/// A folder is renamed to this before its files go, so that one half removed is never taken for an incident.
constexpr std::string_view removed_prefix = ".removed-";

template <typename Visit>
std::expected<void, std::string> for_each_entry(const fs::path& folder, Visit visit) {
  std::error_code ec;
  for (fs::directory_iterator entry{folder, ec}, end; !ec && entry != end; entry.increment(ec)) visit(*entry);
  if (ec) return std::unexpected(fmt::format("read {}: {}", folder.string(), ec.message()));
  return {};
}

std::size_t bytes_in(const fs::path& folder) {
  std::size_t sum = 0;
  // What cannot be read counts nothing: it must not keep the rest from being pruned.
  (void)for_each_entry(folder, [&](const fs::directory_entry& entry) {
    std::error_code ec;
    if (!entry.is_regular_file(ec)) return;
    const auto size = entry.file_size(ec);
    if (!ec) sum += size;
  });
  return sum;
}

wall_time last_change(int folder, const std::string& id) {
  struct stat status{};
  if (::fstatat(folder, id.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return {};
  return wall_time{} + std::chrono::seconds{status.st_mtim.tv_sec};
}

/// Newest first; in one instant "x-10" before "x-9".
bool newer(const stored_incident& a, const stored_incident& b) {
  if (a.incident.opened != b.incident.opened) return a.incident.opened > b.incident.opened;
  if (a.incident.id.size() != b.incident.id.size()) return a.incident.id.size() > b.incident.id.size();
  return a.incident.id > b.incident.id;
}

}  // namespace

store::result<std::vector<std::string>> store::ids() const {
  std::vector<std::string> found;
  auto all = for_each_entry(folder_, [&](const fs::directory_entry& entry) {
    auto name = entry.path().filename().string();
    std::error_code ec;
    if (valid_id(name) && fs::is_directory(entry.symlink_status(ec))) found.push_back(std::move(name));
  });
  if (!all) return std::unexpected(all.error());
  return found;
}

stored_incident store::look(const std::string& id) const {
  auto sound = load(id);
  if (sound) return {.incident = std::move(*sound), .error = {}};
  stored_incident damaged{.incident = {}, .error = sound.error()};
  damaged.incident.id = id;
  damaged.incident.opened = last_change(fd_.get(), id);
  return damaged;
}

store::result<std::vector<stored_incident>> store::list(std::optional<std::string_view> vm) const {
  auto all = ids();
  if (!all) return std::unexpected(all.error());
  std::vector<stored_incident> found;
  for (const auto& id : *all) {
    // The id tells the VM well enough to spare reading the others' journals.
    if (vm && !id.starts_with(sanitised(*vm) + "-")) continue;
    auto one = look(id);
    if (!vm || !one.error.empty() || one.incident.vm == *vm) found.push_back(std::move(one));
  }
  std::ranges::sort(found, newer);
  return found;
}

store::result<std::vector<policies::incident>> store::open_incidents() const {
  auto all = list();
  if (!all) return std::unexpected(all.error());
  std::vector<policies::incident> open;
  for (auto& one : *all) {
    if (one.error.empty() && !one.incident.closed) open.push_back(std::move(one.incident));
  }
  return open;
}

store::result<std::vector<std::string>> store::prune() {
  auto all = list();
  if (!all) return std::unexpected(all.error());
  struct candidate {
    wall_time ended;
    std::string id;
    std::size_t bytes;
  };
  std::vector<candidate> candidates;
  std::size_t bytes = 0;
  auto count = all->size();
  for (const auto& [incident, error] : *all) {
    const auto size = bytes_in(folder_ / incident.id);
    bytes += size;
    if (!error.empty() || incident.closed) {
      candidates.push_back({incident.closed.value_or(incident.opened), incident.id, size});
    }
  }
  std::ranges::sort(candidates, {}, [](const candidate& one) { return std::tie(one.ended, one.id); });
  std::vector<std::string> removed;
  for (const auto& one : candidates) {
    if (count <= limits_.max_incidents && bytes <= limits_.max_incident_bytes) break;
    if (auto gone = remove(one.id); !gone) return std::unexpected(gone.error());
    --count;
    bytes -= one.bytes;
    removed.push_back(one.id);
  }
  return removed;
}

store::result<void> store::remove(const std::string& id) {
  const auto hidden = std::string{removed_prefix} + id;
  std::error_code ec;
  fs::remove_all(folder_ / hidden, ec);
  if (::renameat(fd_.get(), id.c_str(), fd_.get(), hidden.c_str()) != 0) {
    return std::unexpected(errno_text("remove " + (folder_ / id).string()));
  }
  fs::remove_all(folder_ / hidden, ec);
  if (ec) return std::unexpected(fmt::format("remove {}: {}", (folder_ / hidden).string(), ec.message()));
  return sync_folder(fd_.get());
}

store::result<void> store::finish_removals() {
  std::vector<fs::path> rest;
  auto all = for_each_entry(folder_, [&](const fs::directory_entry& entry) {
    if (entry.path().filename().string().starts_with(removed_prefix)) rest.push_back(entry.path());
  });
  std::error_code ec;  // what stays is hidden, and tried again
  for (const auto& path : rest) fs::remove_all(path, ec);
  return all;
}

}  // namespace unwedge::incidents
