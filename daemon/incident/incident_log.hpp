// One open incident on disk. The executor writes a step's intent before it acts and its outcome after; when a
// function here returns without error, what it says survives kill -9 and a power cut.
//
// Threads: one at a time, for a log and for its store; every call may block on the disk (fdatasync), so it
// belongs on a worker thread and never on the io_context. Independent of the store's lifetime. Nothing here
// logs.
#pragma once

#include "daemon/incident/files.hpp"
#include "daemon/incident/journal.hpp"
#include "daemon/incident/timestamp.hpp"

#include <chrono>
#include <expected>
#include <string>
#include <string_view>

namespace unwedge::incidents {

inline constexpr std::size_t max_attachment_bytes = 16u << 20;

class incident_log {
 public:
  using result = std::expected<void, std::string>;

  /// The incident as the journal has it.
  const policies::incident& current() const { return state_; }
  const std::string& id() const { return state_.id; }

  /// What is about to be done. `at` is when it is done, or would be (dry run, observe).
  struct rung {
    std::string action;
    boost::json::object arguments;
    std::string authority;
    boost::json::object undo = {};  ///< empty: not recorded
  };

  /// Puts a step on record before it is taken. Gives its number, from 1.
  std::expected<std::size_t, std::string> intent(rung, wall_time at);

  /// What came of a step: "done", "failed: WHY", "refused: WHY", "observed", "dry-run".
  result outcome(std::size_t step, std::string_view what, std::chrono::milliseconds took, wall_time at);

  /// A later verdict replaces the one before; the journal keeps both.
  result verdict(boost::json::value, wall_time at);

  /// Words for the reader of the journal; no part of the incident's JSON.
  result note(std::string_view text, wall_time at);

  /// Ends the incident: recovered | resolved-itself | failed | observed | dry-run. Nothing can follow.
  result close(std::string_view outcome, wall_time at);

  /// A file beside the journal ("evidence.json"), up to 16 MiB; replaces one of the same name as a whole or
  /// not at all. The name: A-Z a-z 0-9 . _ -, no leading '.' or '-'. Allowed after close() as well.
  result attach(std::string_view name, std::string_view bytes);

 private:
  friend class store;
  /// `journal` is locked and `replayed` was read from it.
  incident_log(file_descriptor folder, file_descriptor journal, replayed);

  /// Keeps a second writer (another daemon on this state folder) out, for as long as the journal is open.
  static result lock(int journal);

  /// Appends and syncs one record. On error the journal is cut back to what it was, and so is `state_`.
  result append(const boost::json::object& record);
  result cut_tail();  ///< of what follows the last whole line

  file_descriptor folder_;
  file_descriptor journal_;
  policies::incident state_;
  std::size_t size_ = 0;  ///< of the journal's whole lines
  bool tail_;             ///< bytes may follow them: torn when it was opened, or by an append that failed
};

}  // namespace unwedge::incidents
