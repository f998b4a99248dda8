// The durable store of incidents: STATE_DIR/incidents/ID/ with journal.jsonl and attachments beside it. The
// daemon's only state; on a restart open_incidents() and reopen() take up what was under way.
//
// Threads: one worker thread at a time, as incident_log; every call may block on the disk. One daemon a state
// folder. Errors say what was tried and what came back; nothing here logs. Folders have mode 0700, files
// 0600.
#pragma once

#include "daemon/incident/incident_log.hpp"

#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace unwedge::incidents {

struct store_limits {
  std::size_t max_incidents = 1'000;            ///< folders; open incidents count, but are never removed
  std::size_t max_incident_bytes = 256u << 20;  ///< of all files of all folders
  std::size_t min_free_bytes = 16u << 20;       ///< of the file system: below, no new incident
};

/// What is known when an incident begins.
struct onset {
  std::string vm;
  std::string condition;
  std::string policy, subject, why;  ///< as in policies::incident
  pid_t pid = 0;
  std::uint64_t started = 0;  ///< with pid, the process's identity
  boost::json::value verdict;
};

/// An entry of list().
struct stored_incident {
  policies::incident incident;
  std::string error;  ///< "": sound. Else why its journal cannot be used; `incident` then has its id only,
                      ///< and the folder's last change as `opened`
};

/// A file in an incident's folder.
struct stored_file {
  std::string name;
  std::size_t bytes = 0;
};

/// A piece of a file on its way to an operator's bundle.
struct file_part {
  std::size_t total = 0;  ///< bytes of the whole file
  std::string version;  ///< differs once the file was replaced; the journal, which only grows, keeps its own
  std::string bytes;    ///< empty: the file ends before them
};

class store {
 public:
  template <typename T>
  using result = std::expected<T, std::string>;

  /// Creates the folders that are missing (not the state folder's parent), and ends removals that were
  /// interrupted.
  static result<store> open(const std::filesystem::path& state_dir, store_limits = {});

  /// Opens an incident: its folder and its first line are durable on return. Error: no space (below
  /// store_limits::min_free_bytes, or the disk is full), no permission.
  result<incident_log> create(const onset&, wall_time now);

  /// All incidents, or a VM's, newest first, damaged ones with their error. Reads every journal.
  result<std::vector<stored_incident>> list(std::optional<std::string_view> vm = {}) const;

  /// Error: no such id, or a damaged journal.
  result<policies::incident> load(std::string_view id) const;

  /// A file beside the journal, up to 16 MiB.
  result<std::string> attachment(std::string_view id, std::string_view name) const;

  /// The incident's folder.
  std::filesystem::path path_of(std::string_view id) const { return folder_ / id; }

  /// The journal and the files beside it, by name, at most 256. Error: no such id.
  result<std::vector<stored_file>> files(std::string_view id) const;

  /// At most `limit` bytes of a file from `offset` on, the journal included. Files may be replaced meanwhile:
  /// file_part::version tells.
  result<file_part> read_part(std::string_view id, std::string_view name, std::size_t offset,
                              std::size_t limit) const;

  /// Goes on with an open incident; a torn last line is cut off. Error: closed, damaged, or being written
  /// already.
  result<incident_log> reopen(std::string_view id);

  /// The sound ones that are not closed, newest first.
  result<std::vector<policies::incident>> open_incidents() const;

  /// Keeps within the limits: removes the incidents closed (or, damaged ones, changed) longest ago, as many
  /// as it takes, and gives their ids in that order. Never an open one, even above the limits. For after a
  /// close and after open(); create() does not wait for it.
  result<std::vector<std::string>> prune();

 private:
  store(std::filesystem::path folder, file_descriptor fd, store_limits limits)
      : folder_(std::move(folder)), fd_(std::move(fd)), limits_(limits) {}

  result<file_descriptor> open_folder(std::string_view id) const;
  result<replayed> read(int folder) const;
  result<std::vector<std::string>> ids() const;
  stored_incident look(const std::string& id) const;
  result<void> enough_space() const;
  result<file_descriptor> make_folder(std::string_view vm, wall_time now, std::string& id);
  result<incident_log> begin_journal(file_descriptor folder, const boost::json::object& opened);
  result<incident_log> resume_journal(std::string_view id);
  result<void> remove(const std::string& id);
  result<void> finish_removals();

  std::filesystem::path folder_;  ///< STATE_DIR/incidents
  file_descriptor fd_;            ///< the same, open
  store_limits limits_;
};

}  // namespace unwedge::incidents
