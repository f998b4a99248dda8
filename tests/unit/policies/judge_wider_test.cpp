// Verdicts beyond network connections: files, chardevs, vCPUs, and what keeps the whole process from running.
#include "policies/judge.hpp"
#include "world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/syscall.h>

#include <algorithm>

namespace unwedge::policies {
namespace {

using namespace fake;
using testing::HasSubstr;

constexpr int ring_fd = 41, other_image_fd = 42, console_fd = 50;
constexpr pid_t worker_tid = 500;

/// For twice the patience and more.
std::vector<process_facts> seen_for_long(const process_facts& f) {
  return seen_at(f, {1.0, 2.0, 3.0, 4.0, 5.0, 6.5});
}

/// The main thread drains; a worker is in pwrite64 of the image (docs/qemu.md: a FUSE server that stopped).
process_facts drains_a_file() {
  auto f = main_polls_nested();
  f.sockets.clear();
  thread_of(f, main_tid).polled_fds = {event_fd};
  f.threads.push_back(blocked_in(thread(worker_tid, "worker"), SYS_pwrite64, image_fd));
  return f;
}

/// A vCPU holds the BQL and retries to write to a chardev, thousands of times a second.
process_facts vcpu_retries(double share, int i) {
  auto f = idle_process();
  auto& vcpu = thread_of(f, vcpu_tid);
  vcpu.state = i % 2 == 0 ? 'R' : 'S';
  vcpu.sleeping = i % 2 != 0;
  vcpu.cpu_ns += static_cast<std::uint64_t>(i * share * 1e9);
  vcpu.context_switches += static_cast<std::uint64_t>(i) * 6'000;
  thread_of(f, main_tid) = waiting_for(thread(main_tid, "qemu-system-x86"), vcpu_tid);
  return f;
}

std::vector<process_facts> seen_retrying(const std::function<void(process_facts&)>& with,
                                         double share = 0.15) {
  std::vector<process_facts> out;
  for (int i = 0; i < 7; ++i) {
    auto f = vcpu_retries(share, i);
    f.at = at(1.0 + i);
    with(f);
    out.push_back(std::move(f));
  }
  return out;
}

socket_facts console() {
  return {.fd = console_fd,
          .inode = 7'777,
          .kind = socket_facts::family::unix_stream,
          .local = "/run/con0.sock",
          .send_queue = 213'504};
}

vm_model with_console() {
  auto vm = mirroring();
  vm.jobs.clear();
  vm.nodes.clear();
  vm.chardevs["con0"] = {.local = "/run/con0.sock", .peer = ""};
  return vm;
}

TEST(judge, says_storage_wait_by_a_worker_that_is_in_one_call) {
  const auto v = judged(seen_for_three_seconds(drains_a_file()), mirroring());
  ASSERT_EQ(in_one_line(v), "storage-wait file:/srv/web01.qcow2 uncertain");
  EXPECT_EQ(v->reasons.back(), "worker (tid 500) waits in a system call for /srv/web01.qcow2.");
}

TEST(judge, takes_no_worker_that_was_woken_for_one_that_stands_still) {
  const auto samples = seen_changing(drains_a_file(), [](process_facts& f, int i) {
    thread_of(f, worker_tid).context_switches += static_cast<std::uint64_t>(i);
  });
  EXPECT_EQ(in_one_line(judged(samples, mirroring())), "main-loop-waits thread:qemu-system-x86 uncertain");
}

TEST(judge, says_busy_where_the_block_device_completes_requests) {
  for (const bool at_work : {false, true}) {
    const auto samples = seen_changing(drains_a_file(), [&](process_facts& f, int i) {
      auto& image = *std::ranges::find(f.files, image_fd, &file_facts::fd);
      image.file_system = "ext4";
      image.source = "/dev/vda1";
      image.device_completed = 1'000 + (at_work ? static_cast<std::uint64_t>(i) : 0);
    });
    const auto v = judged(samples, mirroring());
    ASSERT_TRUE(v);
    EXPECT_EQ(to_string(v->kind), at_work ? "main-loop-busy" : "storage-wait");
    EXPECT_THAT(testing::PrintToString(v->reasons), HasSubstr("(ext4 from /dev/vda1)"));
  }
}

TEST(judge, says_storage_wait_by_an_io_uring_whose_requests_are_not_completed) {
  auto facts = main_polls_nested();
  facts.sockets.clear();
  thread_of(facts, main_tid).polled_fds = {event_fd, ring_fd};
  facts.files.push_back(
      {.fd = ring_fd, .what = file_facts::kind::io_uring, .target = "anon_inode:[io_uring]"});
  EXPECT_EQ(in_one_line(judged(seen_for_three_seconds(facts), mirroring())),
            "main-loop-waits thread:qemu-system-x86 uncertain")
      << "nothing is in flight";
  facts.files.back().in_flight = 1;
  const auto moving = seen_changing(facts, [](process_facts& f, int i) {
    f.files.back().in_flight = static_cast<std::uint32_t>(1 + i % 2);
  });
  EXPECT_EQ(in_one_line(judged(moving, mirroring())), "main-loop-waits thread:qemu-system-x86 uncertain");
  const auto v = judged(seen_for_three_seconds(facts), mirroring());
  EXPECT_EQ(in_one_line(v), "storage-wait file:/srv/web01.qcow2 uncertain");
  EXPECT_EQ(v->reasons.back(), "1 requests of its io_uring (descriptor 41) are not completed.");
  facts.files.push_back({.fd = other_image_fd, .what = file_facts::kind::regular, .target = "/srv/data.raw"});
  EXPECT_EQ(in_one_line(judged(seen_for_three_seconds(facts), mirroring())),
            "storage-wait file:io_uring uncertain")
      << "which of two nobody can tell";
}

TEST(judge, prefers_a_dead_connection_that_is_certain_to_a_file) {
  auto facts = main_polls_nested();
  facts.threads.push_back(blocked_in(thread(worker_tid, "worker"), SYS_pwrite64, image_fd));
  EXPECT_EQ(in_one_line(judged(seen_for_three_seconds(facts), mirroring())),
            "main-loop-waits block-node:tgt certain");
}

TEST(judge, says_busy_of_a_drain_that_goes_on) {
  const auto samples = seen_changing(drains_a_file(), [](process_facts& f, int i) {
    thread_of(f, main_tid).context_switches += static_cast<std::uint64_t>(i) * 20;
    f.written += static_cast<std::uint64_t>(i) * 1'000'000;
  });
  EXPECT_EQ(in_one_line(judged(samples, mirroring())).substr(0, 14), "main-loop-busy");
}

TEST(judge, says_busy_of_a_drain_whose_worker_gets_no_cpu) {
  for (const double share : {0.1, 0.5}) {
    auto facts = drains_a_file();
    thread_of(facts, worker_tid) = thread(worker_tid, "worker");
    thread_of(facts, worker_tid).state = 'R';
    const auto samples = seen_changing(facts, [&](process_facts& f, int i) {
      thread_of(f, worker_tid).waited_for_cpu_ns += static_cast<std::uint64_t>(i * share * 5e8);
    });
    EXPECT_EQ(in_one_line(judged(samples, mirroring())).substr(0, 14),
              share > 0.2 ? "main-loop-busy" : "main-loop-wait");
  }
}

TEST(judge, says_bql_held_for_a_chardev_whose_peer_does_not_read) {
  const auto v = judged(seen_retrying([](process_facts& f) { f.sockets = {console()}; }), with_console());
  ASSERT_EQ(in_one_line(v), "bql-held chardev:con0 uncertain sending");
  EXPECT_TRUE(v->spinning);
  EXPECT_EQ(v->holder->tid, vcpu_tid);
  EXPECT_EQ(v->reasons.back(), "The peer of chardev con0 does not read: 213504 bytes are not taken.");
}

TEST(judge, says_bql_held_by_a_vcpu_that_spins) {
  const auto spinning = judged(seen_retrying([](process_facts&) {}, 1.0), with_console());
  ASSERT_EQ(in_one_line(spinning), "bql-held vcpu:CPU 0/KVM uncertain");
  EXPECT_TRUE(spinning->spinning);
}

struct not_spinning {
  const char* why;
  std::function<void(process_facts&)> change;
};

TEST(judge, says_busy_and_not_spinning_of_a_holder_that_gets_somewhere) {
  const auto ticks = [](const process_facts& f) {
    return static_cast<std::uint64_t>(f.at.time_since_epoch().count());
  };
  const not_spinning cases[] = {
      {"it lets go now and then: the main thread was woken",
       [&](process_facts& f) { thread_of(f, main_tid).context_switches = ticks(f); }},
      {"it reads or writes", [&](process_facts& f) { f.written = ticks(f); }}};
  for (const auto& c : cases) {
    EXPECT_EQ(in_one_line(judged(seen_retrying(c.change, 1.0), with_console())), "main-loop-busy") << c.why;
  }
  auto short_one = seen_retrying([](process_facts&) {}, 1.0);
  short_one.resize(4);
  EXPECT_EQ(in_one_line(judged(short_one, with_console())), "main-loop-busy")
      << "less than twice the patience";
}

TEST(judge, names_a_vcpu_that_sleeps_with_the_lock) {
  auto facts = held_by_migration();
  thread_of(facts, vcpu_tid).syscall = syscall_facts{.number = SYS_pause, .args = {}};
  thread_of(facts, vcpu_tid).waits_for.reset();
  thread_of(facts, main_tid) = waiting_for(thread(main_tid, "qemu-system-x86"), vcpu_tid);
  EXPECT_EQ(in_one_line(judged(seen_for_three_seconds(facts), mirroring())),
            "bql-held vcpu:CPU 0/KVM uncertain");
}

TEST(judge, says_frozen_before_anything_else_but_traced) {
  auto facts = held_by_migration();
  facts.frozen_in = "/machine.slice/web01";
  const auto v = judged(seen_for_three_seconds(facts), mirroring());
  EXPECT_EQ(in_one_line(v), "frozen");
  EXPECT_EQ(v->reasons.front(), "Its cgroup /machine.slice/web01 is frozen.");
  facts.tracer = 4'711;
  EXPECT_EQ(in_one_line(judged(seen_for_three_seconds(facts), mirroring())), "traced");
}

TEST(judge, says_monitor_only_where_the_main_loop_idles_for_long) {
  EXPECT_EQ(in_one_line(judged(seen_for_three_seconds(idle_process()), mirroring())), "no verdict");
  EXPECT_EQ(in_one_line(judged(seen_for_long(idle_process()), mirroring())), "monitor-only");
  auto without_monitor = mirroring();
  without_monitor.monitor.ready = false;
  EXPECT_EQ(in_one_line(judged(seen_for_long(idle_process()), without_monitor)), "no verdict");
}

TEST(judge, says_host_starved_only_of_a_starved_host) {
  const auto samples = seen_changing(idle_process(), [](process_facts& f, int i) {
    thread_of(f, main_tid).cpu_ns += static_cast<std::uint64_t>(i) * 50'000'000;
    thread_of(f, main_tid).waited_for_cpu_ns += static_cast<std::uint64_t>(i) * 400'000'000;
  });
  EXPECT_EQ(in_one_line(judged(samples, mirroring())), "main-loop-busy");
  auto settings = patience_of_three_seconds;
  settings.host_starved = "CPU pressure 93 %";
  const auto v = judge(samples, mirroring(), at(0), settings);
  ASSERT_EQ(in_one_line(v), "host-starved");
  EXPECT_EQ(v->reasons.back(), "CPU pressure 93 %.");
}

TEST(judge, tells_a_lock_on_the_heap_from_the_bql) {
  auto facts = held_by_migration();
  EXPECT_FALSE(judged(seen_for_three_seconds(facts), mirroring())->other_lock);
  thread_of(facts, main_tid).waits_for->outside_program = true;
  EXPECT_TRUE(judged(seen_for_three_seconds(facts), mirroring())->other_lock);
}

}  // namespace
}  // namespace unwedge::policies
