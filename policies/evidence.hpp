// What was seen of a process from outside, at one instant, without stopping it. Plain facts: daemon/evidence
// gathers them, policies/judge makes a verdict of several. All text in here comes from a hostile process.
#pragma once

#include "policies/migration_stream.hpp"

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace unwedge::policies {

using instant = std::chrono::steady_clock::time_point;
using duration = std::chrono::steady_clock::duration;

/// A pthread mutex that a thread waits for (futex, op WAIT, val 2; qemu-facts section 6).
struct mutex_wait {
  std::uint64_t address = 0;
  pid_t owner = 0;  ///< tid that glibc wrote into the mutex; 0 if it could not be read
  std::uint32_t count = 0;
  bool outside_program = false;  ///< it is known not to lie in the program's own data, as the BQL does: an
                                 ///< AioContext's lock lies on the heap
};

/// The system call a thread is in, as /proc/PID/task/TID/syscall shows it.
struct syscall_facts {
  long number = -1;  ///< -1: running in user space or not in a system call
  std::array<std::uint64_t, 6> args{};

  bool operator==(const syscall_facts&) const = default;
};

struct thread_facts {
  pid_t tid = 0;
  std::string comm;  ///< at most 15 characters; the process name unless debug-threads=on
  char state = '?';  ///< R S D T t Z X, as in proc(5)
  std::string
      wchan;  ///< kernel function it sleeps in; empty if unknown, or if the system call tells (futex, poll)
  std::uint64_t cpu_ns = 0;              ///< time on a CPU so far
  std::uint64_t waited_for_cpu_ns = 0;   ///< time that it could have run and did not, so far (schedstat)
  std::uint64_t context_switches = 0;    ///< so far: voluntary and not, or how often it came to run
  std::optional<syscall_facts> syscall;  ///< nullopt: not permitted or gone
  std::optional<mutex_wait> waits_for;
  std::vector<int> polled_fds;  ///< of its poll/ppoll, negative ones left out
  std::optional<int> io_fd;     ///< of its blocking read/write/sendmsg/recvmsg/connect/pwrite...
  policies::unsent unsent = policies::unsent::unknown;  ///< of its blocked sendmsg
  bool sleeping = false;                                ///< in futex, poll, or another wait; not running
};

/// One of the process's sockets, as the kernel sees it.
struct socket_facts {
  int fd = -1;
  std::uint64_t inode = 0;
  enum class family { tcp, unix_stream, other } kind = family::other;
  bool listening = false;
  std::string local;  ///< "10.0.0.1:49152", "/run/x.sock", "@abstract"; empty: unnamed
  std::string peer;
  bool peer_tcp_established = false;           ///< TCP only
  std::uint64_t send_queue = 0;                ///< bytes written and not yet taken (SIOCOUTQ)
  std::uint64_t receive_queue = 0;             ///< bytes arrived and not yet read (SIOCINQ)
  std::uint64_t bytes_acked = 0;               ///< TCP only, since the connection began
  std::uint64_t bytes_received = 0;            ///< TCP only
  std::uint32_t unacked = 0;                   ///< TCP only, segments in flight
  std::chrono::milliseconds last_received{0};  ///< TCP only: how long ago data came
  std::optional<std::chrono::milliseconds>
      last_sent;  ///< TCP only: how long ago data was sent; nullopt: not read
};

/// A file descriptor that is not a socket but matters to the verdict.
struct file_facts {
  int fd = -1;
  enum class kind { eventfd, signalfd, io_uring, regular, other } what = kind::other;
  std::string target{};         ///< readlink of /proc/PID/fd/N
  std::uint32_t in_flight = 0;  ///< of an io_uring: requests taken by the kernel and not completed
  // Of a regular file that a thread blocks on, where the kernel tells:
  std::string file_system{};                        ///< its type: ext4, nfs4, fuse.glusterfs
  std::string source{};                             ///< what is mounted there
  std::optional<std::uint64_t> device_completed{};  ///< requests that its block device has completed so far
};

/// One sample of a whole process.
struct process_facts {
  instant at{};
  bool alive = false;  ///< false: the pidfd says it has ended; nothing else is filled in
  pid_t pid = 0;
  pid_t tracer = 0;                      ///< TracerPid of the main thread
  std::optional<std::string> frozen_in;  ///< its cgroup is frozen: the cgroup's path, empty if not readable
  bool has_signalfd = false;  ///< QEMU's main loop always polls one: its ppoll without it is a nested one
  std::uint64_t written = 0;  ///< /proc/PID/io wchar: bytes passed to write calls so far
  std::uint64_t read = 0;     ///< rchar
  std::vector<thread_facts> threads;  ///< the first is the main thread (tid == pid)
  std::vector<socket_facts> sockets;  ///< those that some thread polls or blocks on, all TCP ones, and those
                                      ///< of AF_UNIX whose peer has not read all
  std::vector<file_facts> files;      ///< those that some thread polls or blocks on
  std::vector<std::string> missing;   ///< what could not be read, and why: missing evidence is not health
};

}  // namespace unwedge::policies
