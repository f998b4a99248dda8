// Runs the real unwedge-inspect on a process and reads its document.
#pragma once

#include <boost/json.hpp>

#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace unwedge::inspect {

struct result {
  int status = -1;               ///< exit status; -1: it was killed
  std::string printed;           ///< all of stdout
  boost::json::object document;  ///< empty if it printed none
};

/// One run of it. Killed and reaped at the end, if it still runs.
class inspection {
 public:
  /// Starts it with --pid, --start-time (as /proc has it now, or as given) and `more`, for stacks of any
  /// process.
  explicit inspection(pid_t of, std::vector<std::string> more = {"--any-process"});
  inspection(const std::vector<std::string>& arguments, std::nullptr_t);
  ~inspection();
  inspection(const inspection&) = delete;
  inspection& operator=(const inspection&) = delete;

  pid_t pid() const { return pid_; }
  /// The pid of its worker, once there is one; 0: it has none, or has ended.
  pid_t worker() const;
  result finish();

 private:
  void start(const std::vector<std::string>& arguments);

  pid_t pid_ = -1;
  int out_ = -1;
};

inline result inspect_process(pid_t of, std::vector<std::string> more = {"--any-process"}) {
  return inspection{of, std::move(more)}.finish();
}

std::uint64_t start_time_of(pid_t pid);

/// What the document says of a thread; fails the test if it is not there.
boost::json::object thread_of(const result& r, pid_t tid);
std::string text_of(const boost::json::object& in, std::string_view key);
/// The names in a thread's stack, innermost first; "?" for none.
std::vector<std::string> functions_of(const boost::json::object& thread);
/// All problems in one text.
std::string problems_of(const result& r);

/// Threads of a process by their states: states_of(pid)[tid] == 'S'.
std::vector<std::pair<pid_t, char>> states_of(pid_t pid);

/// Until `holds` or 20 s have passed; whether it held.
bool eventually(const std::function<bool()>& holds,
                std::chrono::microseconds between = std::chrono::milliseconds{1});

}  // namespace unwedge::inspect
