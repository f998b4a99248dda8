// What the scripted QEMU looks like from outside (qemu-facts 8.3), of the pieces of world.hpp.
#include "../policies/world.hpp"
#include "scripted_qemu.hpp"

#include <sys/syscall.h>

#include <algorithm>

namespace unwedge::policies::fake {
namespace {

using std::chrono::milliseconds;

milliseconds since(instant then, instant now) {
  return std::chrono::duration_cast<milliseconds>(now - then);
}

/// The kernel counts nothing of a unix socket but what its peer has not read.
void as_unix_socket(socket_facts& s) {
  s.kind = socket_facts::family::unix_stream;
  s.local.clear();
  s.peer_tcp_established = false;
  s.bytes_acked = s.bytes_received = s.unacked = 0;
  s.last_received = {};
  s.last_sent.reset();
}

}  // namespace

std::vector<socket_facts> scripted_qemu::sockets() const {
  auto out = connections();
  for (auto& s : out) {
    if (s.peer.starts_with('/')) as_unix_socket(s);
  }
  return out;
}

std::vector<socket_facts> scripted_qemu::connections() const {
  std::vector<socket_facts> out;
  for (const auto& [id, j] : jobs_) {
    if (j.fd < 0 || j.cut) continue;
    if (j.owed_since) {
      auto& s = out.emplace_back(j.takes_bytes ? unanswered_connection(j.fd, j.peer)
                                               : dead_connection(j.fd, j.peer));
      s.bytes_acked += static_cast<std::uint64_t>(j.offset);
      s.last_received = s.last_sent.emplace(since(*j.owed_since, now_)) + milliseconds(j.same_tick ? 0 : 20);
      continue;
    }
    auto& s = out.emplace_back(idle_connection(j.fd, j.peer));
    s.bytes_acked += static_cast<std::uint64_t>(j.offset);
    const bool moves = j.status == "running" || (of_.writes && !guest_stands() && j.status == "ready");
    if (!moves) continue;
    s.unacked = 1;  // as most times that one looks: a request is under way
    s.last_received = milliseconds(5);
    s.last_sent = milliseconds(1);
    s.bytes_received += static_cast<std::uint64_t>(now_.time_since_epoch().count());
  }
  if (migrates()) {
    auto& s = out.emplace_back(destination_frozen_ ? dead_connection(stream_fd, "10.0.0.9:49200")
                                                   : idle_connection(stream_fd, "10.0.0.9:49200"));
    s.bytes_acked += static_cast<std::uint64_t>(transferred_);
  }
  return out;
}

process_facts scripted_qemu::threads() const {
  const std::string_view comm = before_10() ? "live_migration" : "mig/src/main";
  switch (hang_) {
    case hang::none:
      return idle_process();
    case hang::destination:
      return held_in_stream(SYS_sendmsg, comm);
    case hang::cancel_cleanup:
    case hang::user_stop:
      return main_polls_nested();
    case hang::drain_before_stop: {
      auto f = held_by_migration(comm);
      thread_of(f, migration_tid) = polling(thread(migration_tid, std::string(comm)), {event_fd});
      return f;
    }
    case hang::drain_after_stop:
    case hang::flush_after_stop:
      break;
  }
  return held_by_migration(comm);
}

process_facts scripted_qemu::seen_from_outside() const {
  process_facts f = threads();
  f.at = now_;
  f.alive = alive_;
  if (!alive_) return {.at = now_, .alive = false, .pid = f.pid};
  f.sockets = sockets();
  // Who polls the mirrors' connections: the thread that waits for them, else the iothread.
  const bool elsewhere =
      hang_ == hang::none || hang_ == hang::drain_before_stop || hang_ == hang::destination;
  const bool main_waits = hang_ == hang::cancel_cleanup || hang_ == hang::user_stop;
  if (main_waits) thread_of(f, main_tid).polled_fds = {event_fd};
  auto& poller = thread_of(f, elsewhere || (main_waits && of_.iothread) ? iothread_tid
                              : main_waits                              ? main_tid
                                                                        : migration_tid);
  poller.polled_fds = {event_fd};
  for (const auto& s : f.sockets) {
    if (s.fd != stream_fd) poller.polled_fds.push_back(s.fd);
  }
  if (std::ranges::any_of(jobs_, [](const auto& j) { return j.second.spins; }))
    poller.cpu_ns = static_cast<std::uint64_t>(now_.time_since_epoch().count());
  if (disk_stalls_) {
    f.threads.push_back(blocked_in(thread(vcpu_tid + 1, "worker"), SYS_preadv, image_fd));
    f.threads.back().state = 'D';
    f.threads.back().context_switches += disk_requests_;
  }
  const auto now = static_cast<std::uint64_t>(now_.time_since_epoch().count());
  if (main_loop_busy_) thread_of(f, main_tid).cpu_ns = now;
  if (hang_ == hang::none && !signal_stopped_) thread_of(f, main_tid).context_switches = now / 10'000'000;
  if (signal_stopped_) {
    for (auto& t : f.threads) t.state = 'T';
  }
  return f;
}

}  // namespace unwedge::policies::fake
