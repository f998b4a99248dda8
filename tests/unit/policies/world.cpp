#include "world.hpp"

#include <fmt/format.h>

#include <sys/syscall.h>

#include <algorithm>

namespace unwedge::policies::fake {

using namespace std::chrono_literals;

instant at(double seconds) {
  return instant(std::chrono::round<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds)));
}

thread_facts thread(pid_t tid, std::string comm) {
  thread_facts t{.tid = tid, .comm = std::move(comm), .state = 'S', .wchan = ""};
  t.cpu_ns = 1'000'000;
  t.context_switches = 50;
  t.syscall = syscall_facts{.number = SYS_futex, .args = {0x7000, 0x80, 0, 0, 0, 0}};
  t.sleeping = true;
  return t;
}

thread_facts polling(thread_facts t, std::initializer_list<int> fds) {
  t.syscall = syscall_facts{.number = SYS_ppoll, .args = {0x5000, fds.size(), 0, 0, 0, 0}};
  t.polled_fds = fds;
  return t;
}

thread_facts waiting_for(thread_facts t, pid_t owner, std::uint64_t mutex) {
  t.syscall = syscall_facts{.number = SYS_futex, .args = {mutex, 0x80, 2, 0, 0, 0}};
  t.waits_for = mutex_wait{.address = mutex, .owner = owner};
  return t;
}

thread_facts blocked_in(thread_facts t, long syscall, int fd) {
  t.syscall = syscall_facts{.number = syscall, .args = {static_cast<std::uint64_t>(fd), 0x6000, 0, 0, 0, 0}};
  t.io_fd = fd;
  return t;
}

socket_facts idle_connection(int fd, std::string_view peer) {
  socket_facts s{
      .fd = fd, .inode = 9'000 + static_cast<std::uint64_t>(fd), .kind = socket_facts::family::tcp};
  s.local = "10.0.0.1:49152";
  s.peer = peer;
  s.peer_tcp_established = true;
  s.bytes_acked = 40'000'000;
  s.bytes_received = 695;
  s.last_received = 10s;
  s.last_sent = 10s;
  return s;
}

socket_facts dead_connection(int fd, std::string_view peer) {
  auto s = idle_connection(fd, peer);
  s.send_queue = 4'194'304;
  s.unacked = 2;
  s.last_received = 6s;
  s.last_sent = 5s;
  return s;
}

socket_facts unanswered_connection(int fd, std::string_view peer) {
  auto s = idle_connection(fd, peer);
  s.last_received = 6s;
  s.last_sent = 5s;
  return s;
}

process_facts idle_process() {
  process_facts f;
  f.alive = true;
  f.pid = main_tid;
  f.has_signalfd = true;
  f.threads = {polling(thread(main_tid, "qemu-system-x86"), {signal_fd, event_fd}),
               thread(vcpu_tid, "CPU 0/KVM"), polling(thread(iothread_tid, "IO io0"), {event_fd})};
  f.files = {{.fd = signal_fd, .what = file_facts::kind::signalfd, .target = "anon_inode:[signalfd]"},
             {.fd = event_fd, .what = file_facts::kind::eventfd, .target = "anon_inode:[eventfd]"},
             {.fd = image_fd, .what = file_facts::kind::regular, .target = "/srv/web01.qcow2"}};
  return f;
}

process_facts held_by_migration(std::string_view comm) {
  auto f = idle_process();
  f.threads.push_back(polling(thread(migration_tid, std::string(comm)), {event_fd, nbd_fd}));
  thread_of(f, main_tid) = waiting_for(thread(main_tid, "qemu-system-x86"), migration_tid);
  thread_of(f, vcpu_tid) = waiting_for(thread(vcpu_tid, "CPU 0/KVM"), migration_tid);
  f.sockets = {dead_connection(nbd_fd, nbd_server)};
  return f;
}

process_facts main_polls_nested() {
  auto f = idle_process();
  thread_of(f, main_tid) = polling(thread(main_tid, "qemu-system-x86"), {event_fd, nbd_fd});
  f.sockets = {dead_connection(nbd_fd, nbd_server)};
  return f;
}

process_facts held_in_stream(long syscall, std::string_view comm) {
  auto f = held_by_migration(comm);
  thread_of(f, migration_tid) = blocked_in(thread(migration_tid, std::string(comm)), syscall, stream_fd);
  thread_of(f, migration_tid).unsent = unsent::vm_state;
  f.sockets = {dead_connection(stream_fd, "10.0.0.9:49200")};
  return f;
}

thread_facts& thread_of(process_facts& f, pid_t tid) {
  return *std::ranges::find(f.threads, tid, &thread_facts::tid);
}

socket_facts& socket_of(process_facts& f, int fd) {
  return *std::ranges::find(f.sockets, fd, &socket_facts::fd);
}

std::vector<process_facts> seen_at(const process_facts& f, const std::vector<double>& seconds) {
  std::vector<process_facts> samples;
  for (const auto second : seconds) {
    auto& sample = samples.emplace_back(f);
    sample.at = at(second);
    const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(sample.at - samples.front().at);
    for (auto& s : sample.sockets) {
      s.last_received += passed;
      if (s.last_sent) *s.last_sent += passed;
    }
  }
  return samples;
}

std::vector<process_facts> seen_for_three_seconds(const process_facts& f) {
  return seen_at(f, {1.0, 1.5, 2.0, 2.5, 3.0});
}

std::vector<process_facts> seen_changing(const process_facts& f,
                                         const std::function<void(process_facts&, int)>& change) {
  auto samples = seen_for_three_seconds(f);
  int i = 0;
  for (auto& s : samples) change(s, i++);
  return samples;
}

void add_nbd_node(vm_model& vm, const std::string& name, std::string_view peer, bool job_target) {
  vm.nodes[name] = {.driver = "nbd",
                    .server = std::string(peer),
                    .peer = std::string(peer),
                    .job_target = job_target,
                    .target_of = {}};
  vm.yankable.block_nodes.push_back(name);
}

vm_model mirroring() {
  vm_model vm;
  vm.run_state = "running";
  vm.monitor.connected = vm.monitor.ready = vm.monitor.oob = true;
  vm.jobs["m0"] = {.type = "mirror",
                   .status = "running",
                   .offset = 41,
                   .len = 100,
                   .auto_dismiss = false,
                   .io_status = "ok",
                   .error = "",
                   .target = "tgt",
                   .progressed = at(0)};
  add_nbd_node(vm, "tgt", nbd_server, true);
  return vm;
}

vm_model migrating() {
  vm_model vm;
  vm.monitor.connected = vm.monitor.ready = vm.monitor.oob = true;
  vm.migration = migration_state{};
  vm.migration->status = "device";
  vm.migration->postcopy_enabled = false;
  vm.yankable.migration = true;
  return vm;
}

std::optional<verdict> judged(const std::vector<process_facts>& samples, const vm_model& vm) {
  return judge(samples, vm, at(0), patience_of_three_seconds);
}

std::string in_one_line(const std::optional<verdict>& v) {
  if (!v) return "no verdict";
  std::string out{to_string(v->kind)};
  const auto add = [&](const wait_root& r) {
    out += fmt::format(" {}:{}", to_string(r.type), r.name);
    if (!r.polled_by_waiter) out += "(polled elsewhere)";
  };
  if (v->root) add(*v->root);
  for (const auto& r : v->further_roots) add(r);
  if (v->root) out += v->certain ? " certain" : " uncertain";
  return out + (v->sending ? " sending" : "");
}

std::string verdict_on(const process_facts& facts, const vm_model& vm) {
  return in_one_line(judged(seen_for_three_seconds(facts), vm));
}

}  // namespace unwedge::policies::fake
