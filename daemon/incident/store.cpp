#include "daemon/incident/store.hpp"

#include "daemon/incident/incident_id.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

namespace unwedge::incidents {

namespace {

constexpr auto journal_name = "journal.jsonl";
constexpr unsigned max_attempts = 1'000;  ///< incidents of one VM name in one second

/// Makes a folder if it is missing; its entry in the parent is durable.
std::expected<void, std::string> ensure_folder(const std::filesystem::path& path) {
  if (::mkdir(path.c_str(), 0700) != 0) {
    if (errno == EEXIST) return {};
    return std::unexpected(errno_text("create " + path.string()));
  }
  file_descriptor parent{::open((path / "..").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (parent.get() < 0) return std::unexpected(errno_text("open the parent of " + path.string()));
  return sync_folder(parent.get());
}

}  // namespace

store::result<store> store::open(const std::filesystem::path& state_dir, store_limits limits) {
  const auto folder = state_dir / "incidents";
  for (const auto& path : {state_dir, folder}) {
    if (auto ready = ensure_folder(path); !ready) return std::unexpected(ready.error());
  }
  file_descriptor fd{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)};
  if (fd.get() < 0) return std::unexpected(errno_text("open " + folder.string()));
  store made{folder, std::move(fd), limits};
  if (auto done = made.finish_removals(); !done) return std::unexpected(done.error());
  return made;
}

store::result<void> store::enough_space() const {
  struct statvfs status{};
  if (::fstatvfs(fd_.get(), &status) != 0)
    return std::unexpected(errno_text("free space of " + folder_.string()));
  const auto free = std::uint64_t{status.f_bavail} * status.f_frsize;
  if (free >= limits_.min_free_bytes) return {};
  return std::unexpected(
      fmt::format("no incident recorded: the file system of {} has {} KiB free, below {} KiB",
                  folder_.string(), free >> 10, limits_.min_free_bytes >> 10));
}

store::result<file_descriptor> store::make_folder(std::string_view vm, wall_time now, std::string& id) {
  for (unsigned attempt = 1; attempt <= max_attempts; ++attempt) {
    id = make_id(vm, now, attempt);
    if (::mkdirat(fd_.get(), id.c_str(), 0700) == 0) return open_folder(id);
    if (errno != EEXIST)
      return std::unexpected(errno_text(fmt::format("create {}", (folder_ / id).string())));
  }
  return std::unexpected(fmt::format("{}: {} incidents in one second", id, max_attempts));
}

store::result<incident_log> store::create(const onset& begin, wall_time now) {
  if (auto space = enough_space(); !space) return std::unexpected(space.error());
  std::string id;
  auto folder = make_folder(begin.vm, now, id);
  if (!folder) return std::unexpected(folder.error());
  auto log = begin_journal(std::move(*folder), {{"v", 1},
                                                {"record", "opened"},
                                                {"at", to_rfc3339(now)},
                                                {"id", id},
                                                {"vm", begin.vm},
                                                {"pid", begin.pid},
                                                {"started", begin.started},
                                                {"condition", begin.condition},
                                                {"policy", begin.policy},
                                                {"subject", begin.subject},
                                                {"why", begin.why},
                                                {"verdict", begin.verdict}});
  if (log) return log;
  (void)remove(id);  // nothing is on record yet
  return std::unexpected(fmt::format("create {}: {}", (folder_ / id).string(), log.error()));
}

store::result<incident_log> store::begin_journal(file_descriptor folder, const boost::json::object& opened) {
  auto journal = open_at(folder.get(), journal_name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND);
  if (!journal) return std::unexpected(journal.error());
  auto done = incident_log::lock(journal->get());
  incident_log log{std::move(folder), std::move(*journal), {}};
  if (done) done = log.append(opened);
  if (done) done = sync_folder(log.folder_.get());
  if (done) done = sync_folder(fd_.get());
  if (!done) return std::unexpected(done.error());
  return log;
}

store::result<file_descriptor> store::open_folder(std::string_view id) const {
  if (!valid_id(id)) return std::unexpected("that is no incident's id");
  return open_at(fd_.get(), std::string{id}, O_RDONLY | O_DIRECTORY);
}

store::result<replayed> store::read(int folder) const {
  const auto bytes = read_file_at(folder, journal_name, max_journal_bytes);
  if (!bytes) return std::unexpected(bytes.error());
  auto state = read_journal(*bytes);
  if (state && state->whole_bytes == 0) return std::unexpected("its journal has no whole line");
  return state;
}

store::result<policies::incident> store::load(std::string_view id) const {
  auto folder = open_folder(id);
  if (!folder) return std::unexpected(fmt::format("incident {}", folder.error()));
  auto state = read(folder->get());
  if (!state) return std::unexpected(fmt::format("incident {}: {}", id, state.error()));
  state->incident.id = id;  // the folder's: it may have been renamed
  return std::move(state->incident);
}

store::result<std::string> store::attachment(std::string_view id, std::string_view name) const {
  if (!valid_attachment_name(name)) return std::unexpected("that is no attachment's name");
  auto folder = open_folder(id);
  if (!folder) return std::unexpected(folder.error());
  return read_file_at(folder->get(), std::string{name}, max_attachment_bytes);
}

store::result<incident_log> store::reopen(std::string_view id) {
  auto log = resume_journal(id);
  if (!log)
    return std::unexpected(fmt::format("reopen incident {}: {}", valid_id(id) ? id : "", log.error()));
  return log;
}

store::result<incident_log> store::resume_journal(std::string_view id) {
  auto folder = open_folder(id);
  if (!folder) return std::unexpected(folder.error());
  auto journal = open_at(folder->get(), journal_name, O_RDWR | O_APPEND);
  if (!journal) return std::unexpected(journal.error());
  if (auto mine = incident_log::lock(journal->get()); !mine) return std::unexpected(mine.error());
  auto state = read(folder->get());
  if (!state) return std::unexpected(state.error());
  if (state->incident.closed) return std::unexpected("is closed");
  state->incident.id = id;
  incident_log log{std::move(*folder), std::move(*journal), std::move(*state)};
  if (auto cut = log.cut_tail(); !cut) return std::unexpected(cut.error());
  return log;
}

}  // namespace unwedge::incidents
