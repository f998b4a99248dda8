// A verdict: what the evidence adds up to. The names are contracts (design.md, the table of verdicts).
#pragma once

#include "policies/evidence.hpp"
#include "policies/thread_role.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace unwedge::policies {

enum class verdict_kind {
  bql_held,  ///< another thread holds the BQL, or a lock that the main thread waits for, and waits itself
  main_loop_waits,  ///< the main thread itself waits in a nested poll or a blocking call
  lock_cycle,       ///< the wait-for graph has a cycle: nothing can free it
  storage_wait,     ///< the root waits for a file
  main_loop_busy,   ///< CPU or I/O progress on the chain: wait
  stopped,          ///< SIGSTOP
  traced,           ///< a debugger is attached
  frozen,           ///< its cgroup is frozen
  host_starved,     ///< it could run, and the host gives it no CPU: nothing to be done about this VM
  monitor_only,     ///< the main loop is alive, and this monitor mute
  gone,             ///< the process has ended
};

std::string_view to_string(verdict_kind);

/// The process's own threads keep it from going on: its memory tells why.
bool is_hang(verdict_kind);

/// It is late and nothing is wrong with it: waiting is right.
bool is_only_late(verdict_kind);

/// One of the process's sockets, as whoever cuts it must find it again.
struct connected_socket {
  int fd = -1;
  std::uint64_t inode = 0;
  socket_facts::family kind = socket_facts::family::other;
};

/// Whom the wait ends at.
struct wait_root {
  enum class kind { block_node, migration, chardev, socket, file, vcpu, thread } type = kind::thread;
  std::string name;  ///< the block node's or chardev's name, the file's path, the thread's comm
  std::string peer;  ///< the connection's other end
  std::optional<std::chrono::milliseconds> silent_for;  ///< nothing came or was taken for so long
  bool job_target = false;   ///< a block node that a job copies to: losing it loses a copy, not a disk
  bool takes_bytes = false;  ///< it took all that was sent, and owes an answer: it may be at work on a flush
  bool polled_by_waiter =
      true;  ///< the thread that waits polls this connection itself. False: an iothread does,
             ///< and a plain yank then mostly aborts QEMU (qemu-facts 8.2, job.c:372)
  std::optional<connected_socket> connection{};  ///< of the node or stream. Which node of a server of several
                                                 ///< has which is not known: only all of them are told apart
};

std::string_view to_string(wait_root::kind);

/// Who holds the lock that the main thread waits for.
struct lock_holder {
  pid_t tid = 0;
  std::string comm;
  thread_role role = thread_role::unknown;       ///< by its name
  std::uint64_t mutex = 0;                       ///< address of that lock
  std::vector<std::uint64_t> further_mutexes{};  ///< others of its that any thread waits for, in order
  bool polls = false;                            ///< it sleeps in ppoll
};

struct verdict {
  verdict_kind kind = verdict_kind::main_loop_busy;
  std::optional<wait_root> root;
  std::vector<wait_root>
      further_roots;         ///< of the same kind and just as dead: two mirrors to one host, for example
  bool certain = true;       ///< false: several connections could be the root; nothing acts on it then
  bool sending = false;      ///< the waiter is in a blocking *send* on the root
  bool sends_state = false;  ///< and what it has not sent is a part of the VM
  bool spinning = false;     ///< the holder runs, gets nowhere and does not let go of the lock
  bool other_lock =
      false;  ///< the main thread waits for a lock that is not the BQL: an AioContext's, malloc's
  std::optional<lock_holder> holder;
  instant since{};                   ///< when the stall began: the oldest unanswered request was sent
  instant at{};                      ///< when the evidence sufficed
  std::vector<std::string> reasons;  ///< one sentence each, in the order of the chain
};

}  // namespace unwedge::policies
