// Runs the real unwedge-rescue and reads its documents.
#pragma once

#include "tests/unit/rescue/hung_child.hpp"

#include <boost/json.hpp>

#include <string>
#include <vector>

namespace unwedge::rescue {

struct documents {
  int status = -1;  ///< exit status; -1: it was killed
  std::string printed;
  boost::json::object granted;  ///< the line that a lease begins with; empty: none
  boost::json::object last;     ///< empty if it printed none

  bool ok() const { return !last.empty() && last.at("ok").as_bool(); }
  /// The precondition that failed; empty: none.
  std::string failed() const;
};

/// One run of it. Killed and reaped at the end, if it still runs.
class rescue_run {
 public:
  explicit rescue_run(std::vector<std::string> arguments);
  ~rescue_run();
  rescue_run(const rescue_run&) = delete;
  rescue_run& operator=(const rescue_run&) = delete;

  pid_t pid() const { return pid_; }
  void say(std::string_view line) const;  ///< on its standard input
  void close_input();
  /// Reads until the lease is granted, or it has ended; whether it was.
  bool granted();
  documents finish();

 private:
  bool read_more();

  pid_t pid_ = -1;
  int in_ = -1, out_ = -1;
  std::string printed_;
};

/// The arguments of a lease on `of`.
std::vector<std::string> lease_of(const hung_child& of, std::vector<std::string> more = {});
std::vector<std::string> identity_of(pid_t pid);

documents run(std::vector<std::string> arguments);

}  // namespace unwedge::rescue
