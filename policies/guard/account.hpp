// What the switchover guard has on record of one migration: its incident, from the first step that is wanted
// to the end. Says each thing once. Pure; part of the switchover guard.
#pragma once

#include "policies/condition.hpp"
#include "policies/decision.hpp"

#include <set>
#include <string>
#include <vector>

namespace unwedge::policies::guard {

class account {
 public:
  /// `key` names the run in its decisions.
  explicit account(std::string key) : key_(std::move(key)) {}

  void open(const std::string& policy, condition, std::vector<decision>& out);
  /// One of an earlier run of the daemon, with so many steps on record.
  void take_up(std::size_t on_record);
  bool is_open() const { return open_; }

  /// Only while it is open; not twice in a row.
  void note(std::string text, std::vector<decision>& out);
  void take(step, std::vector<decision>& out);
  /// A step that is not taken: once for each reason, however often they alternate.
  void decline(step, const std::string& why, std::string result, std::vector<decision>& out);
  /// Of the last one declined; empty: none was.
  const std::string& last_result() const { return last_result_; }

  void close(std::string outcome, std::vector<decision>& out);

 private:
  std::string key_;
  bool open_ = false;
  std::string last_note_, last_result_;
  std::set<std::string> recorded_;  ///< what was declined, and why
  std::size_t next_ = 0;
};

}  // namespace unwedge::policies::guard
