// The document as it grows: what came of the worker so far, and what is wrong with it. Pure.
#pragma once

#include "daemon/inspect/messages.hpp"

namespace unwedge::inspect {

class document {
 public:
  explicit document(pid_t pid) : pid_(pid) {}

  /// One line from the worker. Lines that are none, threads beyond the limit and stacks of threads that were
  /// not captured are dropped, and are a problem.
  void take(std::string_view line);
  void add_problem(std::string sentence);

  bool finished() const { return finished_; }       ///< the worker said that it is done
  bool failed() const { return threads_.empty(); }  ///< nothing is known
  /// Of how many threads there is more to come.
  std::size_t waiting() const;

  /// One line: {pid, threads: [{tid, comm, state, stopped_us, frames, unwind}], total_stopped_us, capture_us
  /// (from the first stop to the end of the last; null: not known), problems}.
  std::string text() const;

 private:
  struct entry {
    thread_stack thread;
    bool complete = false;  ///< nothing more can be said of it
  };
  void add(seen_message m);
  void add(captured_message m);
  void add(stack_message m);
  void add(problem_message m) { add_problem(std::move(m.sentence)); }
  void add(failed_message m);
  void add(done_message m);
  entry* awaited(pid_t tid);

  pid_t pid_;
  std::vector<entry> threads_;
  std::vector<std::string> problems_;
  std::optional<std::chrono::nanoseconds> capture_;
  bool finished_ = false;
};

}  // namespace unwedge::inspect
