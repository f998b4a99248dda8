// The traces that our own inspections leave in the evidence, so that the judge does not take them for life:
// each thread that was stopped for its stack has switched twice, one that was blocked sending has returned to
// QEMU with what it got rid of and sends the rest, which fills the socket's queue a little more, and while it
// stands still it is traced. Pure; a watcher has one.
#pragma once

#include "policies/evidence.hpp"

#include <cstdint>
#include <map>
#include <optional>

namespace unwedge::watch {

class stop_traces {
 public:
  /// An inspection may stop threads from now on.
  void begin();
  /// Not any more.
  void end(policies::instant at);

  /// Takes out of a sample at most what our stops can have left since `before` (an earlier sample of the
  /// process as it came out of here; null: none): what is more was not us.
  void take_out_of(policies::process_facts& facts, const policies::process_facts* before);

  /// A stop of ours may be in the middle of this sample: who waits for whom looks another than before, or
  /// does not wait. In a moment it can be seen.
  bool disturbed(const policies::process_facts& facts, const policies::process_facts* before) const;

 private:
  struct thread {
    std::uint64_t taken = 0;  ///< in all: the kernel's counters go on with our switches in them
    std::uint64_t owed = 0;   ///< of the inspections so far that have not shown yet
  };
  struct queue {
    std::uint64_t taken = 0;  ///< bytes
    std::uint64_t acked = 0;  ///< of the connection then
  };
  void take_out_of_threads(policies::process_facts& facts, const policies::process_facts* before,
                           bool all_seen);
  void take_out_of_queues(policies::process_facts& facts, const policies::process_facts* before);
  void hide_tracer(policies::process_facts& facts, const policies::process_facts& before) const;

  std::map<pid_t, thread> threads_;
  std::map<std::uint64_t, queue> queues_;  ///< by the socket's inode
  bool open_ = false;        ///< an inspection has left traces that no sample may have shown yet
  std::uint64_t begun_ = 0;  ///< switches of an inspection that no sample has been looked at for
  bool running_ = false;
  std::optional<policies::instant> ended_;
};

}  // namespace unwedge::watch
