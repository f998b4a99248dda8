// A fake QEMU process from a literal: its threads, what they wait for, its sockets; and the VM model beside
// it. Every function gives plain values; a test changes what it is about and leaves the rest.
#pragma once

#include "policies/judge.hpp"
#include "policies/verdict.hpp"
#include "policies/vm_model.hpp"
#include "policies/wait_chain.hpp"

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace unwedge::policies::fake {

inline constexpr pid_t main_tid = 100;
inline constexpr pid_t migration_tid = 200;
inline constexpr pid_t vcpu_tid = 300;
inline constexpr pid_t iothread_tid = 400;

inline constexpr int signal_fd = 4;
inline constexpr int event_fd = 5;
inline constexpr int nbd_fd = 20;
inline constexpr int other_nbd_fd = 21;
inline constexpr int stream_fd = 30;
inline constexpr int image_fd = 40;

inline constexpr std::uint64_t bql = 0x560f77f62b40;
inline constexpr std::string_view nbd_server = "10.0.0.7:10809";
inline constexpr std::string_view other_server = "10.0.0.8:10809";

/// So many seconds after the clock's zero.
instant at(double seconds);

/// A thread asleep somewhere harmless.
thread_facts thread(pid_t tid, std::string comm);
thread_facts polling(thread_facts, std::initializer_list<int> fds);
thread_facts waiting_for(thread_facts, pid_t owner, std::uint64_t mutex = bql);
thread_facts blocked_in(thread_facts, long syscall, int fd);

/// A TCP connection on which nothing is outstanding: the last word was the peer's, ten seconds ago.
socket_facts idle_connection(int fd, std::string_view peer);
/// One whose peer does not take 4 MiB.
socket_facts dead_connection(int fd, std::string_view peer);
/// One whose peer took a request five seconds ago and has not answered it.
socket_facts unanswered_connection(int fd, std::string_view peer);

/// QEMU with main thread, vCPU and iothread, all idle: main in its own poll.
process_facts idle_process();
/// The migration thread holds the BQL and polls the NBD socket; main and vCPU wait for it (qemu-facts 8.3).
process_facts held_by_migration(std::string_view comm = "live_migration");
/// The main thread itself in a nested poll for the NBD socket.
process_facts main_polls_nested();
/// The migration thread holds the BQL and is in this system call on the migration stream.
process_facts held_in_stream(long syscall, std::string_view comm = "live_migration");

thread_facts& thread_of(process_facts&, pid_t tid);
socket_facts& socket_of(process_facts&, int fd);

/// The same process at these seconds; on TCP what is silent has been so for longer each time.
std::vector<process_facts> seen_at(const process_facts&, const std::vector<double>& seconds);
/// At 1.0, 1.5, ... 3.0: the samples of a stall that began at 0.
std::vector<process_facts> seen_for_three_seconds(const process_facts&);
/// As before, and changed from one sample to the next.
std::vector<process_facts> seen_changing(const process_facts&,
                                         const std::function<void(process_facts&, int)>& change);

/// Node "tgt" at `nbd_server`, target of the mirror m0 (41 of 100 bytes done), QEMU with OOB and yank.
vm_model mirroring();
/// A pre-copy migration that runs and can be yanked; no jobs.
vm_model migrating();
void add_nbd_node(vm_model&, const std::string& name, std::string_view peer, bool job_target);

inline constexpr judge_settings patience_of_three_seconds{.patience = std::chrono::seconds(3)};
/// The verdict over these samples of a stall since 0.
std::optional<verdict> judged(const std::vector<process_facts>&, const vm_model&);

/// All that makes up a verdict, in one line, for comparing and for messages.
std::string in_one_line(const std::optional<verdict>&);
/// Likewise, of a stall in which nothing changes for three seconds.
std::string verdict_on(const process_facts&, const vm_model&);

}  // namespace unwedge::policies::fake
