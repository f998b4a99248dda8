// The block I/O of a VM as the kernel sees it, over time: since when has the server of a node owed an answer
// and moved nothing, since when does a thread wait in one file operation? Pure; the watcher feeds it a sample
// of the process every so often, more often while a job runs.
#pragma once

#include "policies/vm_model.hpp"

#include <map>
#include <vector>

namespace unwedge::policies {

class io_health {
 public:
  void add(const process_facts&, const vm_model&);

  /// Since when the connection of the node that this job copies to is silent although its server owes an
  /// answer, or does not take what was sent: two samples at least say so, the last of them not long ago.
  /// Where the connection does not tell whether one is owed, a job that is busy says that it is. nullopt: it
  /// is well, or idle, or which connection it is cannot be told.
  std::optional<instant> silent_since(const vm_model&, const job_state&, instant now) const;

  /// Likewise, where no healthy server can be the reason. At the end of its copy a job waits for a flush,
  /// which may take minutes: there only bytes that are not taken count, or minutes.
  std::optional<instant> dead_since(const vm_model&, const job_state&, instant now) const;

  /// True if a sample taken after `since` shows that connection well: nothing is owed, or something moved.
  /// Also true where there is no connection that could be judged.
  bool answers_since(const vm_model&, const job_state&, instant since) const;

  /// A disk of the guest that is as silent.
  struct disk {
    std::string node;   ///< a block node's name, or a file's path
    std::string where;  ///< the server's address, or the thread that waits
    instant since{};
  };
  std::vector<disk> stalled_disks(const vm_model&, instant now) const;

  /// Two looks at least, the last not long ago: what they do not show is not there.
  bool looked_twice(instant now) const { return looked_before_ != instant{} && !stale(now); }

  /// True while something is owed: another sample soon tells more.
  bool waits() const;

 private:
  struct connection {
    std::string peer;
    std::uint64_t acked = 0, received = 0, send_queue = 0, receive_queue = 0;
    bool owed = false, stuck = false, moved = false;
    bool unclear = false;  ///< whether an answer is owed
    instant since{};       ///< as it is now since then
  };
  struct file_wait {
    syscall_facts call;
    std::uint64_t context_switches = 0;
    std::string file, comm;
    instant since{};
  };

  std::optional<instant> silent_since(const vm_model&, const std::string& peer, bool busy, instant now) const;
  /// Something else stands still, a disk of the source's say: a busy job may wait for that.
  bool stands_still_elsewhere(const std::string& peer) const;
  bool stale(instant now) const;

  instant looked_at_{}, looked_before_{};
  bool knew_nodes_ = false;                          ///< at the last look: without them it showed nothing
  std::map<std::uint64_t, connection> connections_;  ///< by the socket's inode
  std::map<pid_t, file_wait> file_waits_;            ///< by thread
};

}  // namespace unwedge::policies
