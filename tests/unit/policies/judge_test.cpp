#include "policies/judge.hpp"

#include "world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/syscall.h>

namespace unwedge::policies {
namespace {

using namespace fake;
using namespace std::chrono_literals;

std::string verdict_on(const process_facts& facts, const vm_model& vm) {
  return in_one_line(judged(seen_for_three_seconds(facts), vm));
}

TEST(judge, says_bql_held_by_the_migration_thread_that_polls_for_a_dead_nbd_node) {
  for (const std::string_view comm : {"live_migration", "mig/src/main"}) {
    const auto v = judged(seen_for_three_seconds(held_by_migration(comm)), mirroring());
    ASSERT_EQ(in_one_line(v), "bql-held block-node:tgt certain");
    EXPECT_EQ(v->holder->tid, migration_tid);
    EXPECT_EQ(v->holder->comm, comm);
    EXPECT_EQ(v->root->peer, nbd_server);
    EXPECT_EQ(v->root->silent_for, 8s);
    EXPECT_TRUE(v->root->job_target);
    EXPECT_TRUE(v->root->polled_by_waiter);
    EXPECT_EQ(v->since, at(0));
    EXPECT_EQ(v->at, at(3.0));
    EXPECT_THAT(v->reasons, testing::ElementsAre(
                                "qemu-system-x86 (tid 100) waits for the mutex at 0x560f77f62b40, "
                                "held by tid 200.",
                                std::string(comm) + " (tid 200) polls 2 file descriptors in a nested poll."));
  }
}

TEST(judge, says_bql_held_by_a_vcpu_that_drains) {
  auto facts = held_by_migration();
  thread_of(facts, vcpu_tid) = polling(thread(vcpu_tid, "CPU 0/KVM"), {event_fd, nbd_fd});
  thread_of(facts, main_tid) = waiting_for(thread(main_tid, "qemu-system-x86"), vcpu_tid);
  EXPECT_EQ(verdict_on(facts, mirroring()), "bql-held block-node:tgt certain");
}

TEST(judge, says_that_the_main_loop_waits_in_a_nested_poll) {
  const auto v = judged(seen_for_three_seconds(main_polls_nested()), mirroring());
  EXPECT_EQ(in_one_line(v), "main-loop-waits block-node:tgt certain");
  EXPECT_FALSE(v->holder);
}

TEST(judge, says_nothing_of_a_main_loop_in_its_own_poll) {
  auto facts = main_polls_nested();
  thread_of(facts, main_tid) = polling(thread(main_tid, "qemu-system-x86"), {signal_fd, event_fd, nbd_fd});
  EXPECT_EQ(verdict_on(facts, mirroring()), "no verdict");
}

TEST(judge, takes_no_poll_for_nested_where_it_could_not_tell) {
  const std::pair<const char*, std::function<void(process_facts&)>> cases[] = {
      {"no signalfd in the process", [](process_facts& f) { f.has_signalfd = false; }},
      {"a descriptor that could not be looked at may be it",
       [](process_facts& f) { thread_of(f, main_tid).polled_fds.push_back(77); }},
      {"the descriptors could not be listed", [](process_facts& f) { f.files.clear(); }},
      {"the polled array could not be read",
       [](process_facts& f) { thread_of(f, main_tid).polled_fds.clear(); }}};
  for (const auto& [why, change] : cases) {
    auto facts = main_polls_nested();
    change(facts);
    EXPECT_EQ(verdict_on(facts, mirroring()), "no verdict") << why;
  }
}

TEST(judge, says_that_the_main_loop_waits_in_a_blocking_call) {
  auto facts = idle_process();
  thread_of(facts, main_tid) = blocked_in(thread(main_tid, "qemu-system-x86"), SYS_sendmsg, nbd_fd);
  facts.sockets = {dead_connection(nbd_fd, nbd_server)};
  EXPECT_EQ(verdict_on(facts, mirroring()), "main-loop-waits block-node:tgt certain sending");
}

TEST(judge, knows_sending_on_the_migration_stream_from_receiving) {
  const std::pair<long, std::string_view> cases[] = {
      {SYS_sendmsg, "bql-held migration:migration certain sending"},
      {SYS_sendto, "bql-held migration:migration certain sending"},
      {SYS_write, "bql-held migration:migration certain sending"},
      {SYS_writev, "bql-held migration:migration certain sending"},
      {SYS_recvmsg, "bql-held migration:migration certain"},
      {SYS_recvfrom, "bql-held migration:migration certain"},
      {SYS_read, "bql-held migration:migration certain"},
      {SYS_connect, "bql-held migration:migration certain"},
      {SYS_shutdown, "bql-held migration:migration certain"}};
  for (const auto& [syscall, expected] : cases) {
    EXPECT_EQ(verdict_on(held_in_stream(syscall), migrating()), expected) << syscall;
    EXPECT_EQ(verdict_on(held_in_stream(syscall, "mig/src/main"), migrating()), expected) << syscall;
  }
}

TEST(judge, does_not_call_it_sending_when_the_peer_has_taken_all) {
  auto facts = held_in_stream(SYS_sendmsg);
  socket_of(facts, stream_fd).send_queue = 0;
  EXPECT_EQ(verdict_on(facts, migrating()), "bql-held migration:migration certain");
}

TEST(judge, is_not_certain_of_a_stream_on_which_bytes_move) {
  const auto samples = seen_changing(held_in_stream(SYS_sendmsg), [](process_facts& f, int i) {
    socket_of(f, stream_fd).bytes_acked += static_cast<std::uint64_t>(i) * 1'000;
  });
  EXPECT_EQ(in_one_line(judged(samples, migrating())), "bql-held migration:migration uncertain sending");
}

// A chardev, a vhost-user backend, an NBD server known by its host name: anything may block the main thread
// while a migration runs. Only a migration thread's connection is the stream.
TEST(judge, does_not_take_any_blocked_connection_for_the_migration_stream) {
  auto facts = idle_process();
  facts.sockets = {dead_connection(stream_fd, "10.0.0.9:49200")};
  for (const auto tid : {main_tid, vcpu_tid}) {
    auto& t = thread_of(facts, tid);
    t = blocked_in(thread(tid, t.comm), SYS_sendmsg, stream_fd);
    if (tid != main_tid) thread_of(facts, main_tid) = waiting_for(thread(main_tid, "qemu-system-x86"), tid);
    EXPECT_THAT(verdict_on(facts, migrating()), testing::EndsWith("socket: uncertain sending")) << tid;
  }
}

TEST(judge, guesses_the_stream_but_is_not_certain_when_threads_have_no_names) {
  const auto facts = held_in_stream(SYS_sendmsg, "qemu-system-x86");
  EXPECT_EQ(verdict_on(facts, migrating()), "bql-held migration:migration uncertain sending");
  EXPECT_EQ(verdict_on(facts, mirroring()), "bql-held socket: uncertain sending");
}

TEST(judge, tells_of_an_iothread_that_polls_the_dead_connection) {
  auto facts = held_by_migration();
  thread_of(facts, migration_tid) = polling(thread(migration_tid, "live_migration"), {event_fd});
  thread_of(facts, iothread_tid) = polling(thread(iothread_tid, "IO io0"), {event_fd, nbd_fd});
  const auto v = judged(seen_for_three_seconds(facts), mirroring());
  ASSERT_EQ(in_one_line(v), "bql-held block-node:tgt(polled elsewhere) certain");
  EXPECT_EQ(v->reasons.back(), "The connection to 10.0.0.7:10809 is polled by another thread (iothread).");
}

struct two_nodes {
  const char* what;
  socket_facts first, second;
  const char* second_peer;
  bool first_is_target, second_is_target;
  const char* expected;
};

TEST(judge, tells_two_nodes_apart_or_is_not_certain) {
  const auto same = nbd_server;
  const auto other = other_server;
  const two_nodes cases[] = {
      {"both dead targets, two servers", dead_connection(nbd_fd, same), dead_connection(other_nbd_fd, other),
       other.data(), true, true, "bql-held block-node:tgt block-node:two certain"},
      {"a dead target, a healthy idle disk", dead_connection(nbd_fd, same),
       idle_connection(other_nbd_fd, other), other.data(), true, false, "bql-held block-node:tgt certain"},
      {"an unanswered target, a healthy idle disk", unanswered_connection(nbd_fd, same),
       idle_connection(other_nbd_fd, other), other.data(), true, false, "bql-held block-node:tgt certain"},
      {"a healthy idle target, a dead disk", idle_connection(nbd_fd, same),
       dead_connection(other_nbd_fd, other), other.data(), true, false, "bql-held block-node:two certain"},
      {"a healthy idle target, an unanswered disk", idle_connection(nbd_fd, same),
       unanswered_connection(other_nbd_fd, other), other.data(), true, false,
       "bql-held block-node:two certain"},
      {"both dead, one a disk", dead_connection(nbd_fd, same), dead_connection(other_nbd_fd, other),
       other.data(), true, false, "bql-held block-node:tgt block-node:two certain"},
      {"both idle", idle_connection(nbd_fd, same), idle_connection(other_nbd_fd, other), other.data(), true,
       true, "bql-held block-node:tgt block-node:two uncertain"},
      {"one server, both dead targets", dead_connection(nbd_fd, same), dead_connection(other_nbd_fd, same),
       same.data(), true, true, "bql-held block-node:tgt block-node:two certain"},
      {"one server, both dead, one a disk", dead_connection(nbd_fd, same),
       dead_connection(other_nbd_fd, same), same.data(), true, false,
       "bql-held block-node:tgt block-node:two uncertain"},
      {"one server, one dead: whose connection?", dead_connection(nbd_fd, same),
       idle_connection(other_nbd_fd, same), same.data(), true, true,
       "bql-held block-node:tgt block-node:two uncertain"}};
  for (const auto& c : cases) {
    auto facts = held_by_migration();
    facts.sockets = {c.first, c.second};
    thread_of(facts, migration_tid) =
        polling(thread(migration_tid, "live_migration"), {event_fd, nbd_fd, other_nbd_fd});
    auto vm = mirroring();
    vm.nodes["tgt"].job_target = c.first_is_target;
    add_nbd_node(vm, "two", c.second_peer, c.second_is_target);
    EXPECT_EQ(verdict_on(facts, vm), c.expected) << c.what;
  }
}

// The waiter polls a healthy READY mirror, and waits for a dead one in an iothread.
TEST(judge, does_not_take_the_idle_mirror_at_hand_for_the_dead_one_in_an_iothread) {
  auto facts = held_by_migration();
  facts.sockets = {dead_connection(nbd_fd, nbd_server), idle_connection(other_nbd_fd, other_server)};
  thread_of(facts, migration_tid) =
      polling(thread(migration_tid, "live_migration"), {event_fd, other_nbd_fd});
  thread_of(facts, iothread_tid) = polling(thread(iothread_tid, "IO io0"), {event_fd, nbd_fd});
  auto vm = mirroring();
  add_nbd_node(vm, "ready", other_server, true);
  EXPECT_EQ(verdict_on(facts, vm), "bql-held block-node:tgt(polled elsewhere) certain");
}

// For example a drain that waits for a local disk, beside a READY mirror over an idle guest.
TEST(judge, is_never_certain_of_a_connection_over_which_nothing_is_owed) {
  auto facts = held_by_migration();
  facts.sockets = {idle_connection(nbd_fd, nbd_server)};
  EXPECT_EQ(verdict_on(facts, mirroring()), "bql-held block-node:tgt uncertain");
  socket_of(facts, nbd_fd).last_sent = std::nullopt;
  EXPECT_EQ(verdict_on(facts, mirroring()), "bql-held block-node:tgt uncertain");
  socket_of(facts, nbd_fd).last_sent = socket_of(facts, nbd_fd).last_received;
  EXPECT_EQ(verdict_on(facts, mirroring()), "bql-held block-node:tgt uncertain");
  socket_of(facts, nbd_fd).last_sent = socket_of(facts, nbd_fd).last_received + 1ms;
  EXPECT_EQ(verdict_on(facts, mirroring()), "bql-held block-node:tgt uncertain");
}

TEST(judge, is_not_certain_when_a_connection_of_no_known_node_is_stuck_as_well) {
  auto facts = held_by_migration();
  facts.sockets.push_back(dead_connection(other_nbd_fd, "10.0.0.99:4444"));
  thread_of(facts, migration_tid) =
      polling(thread(migration_tid, "live_migration"), {event_fd, nbd_fd, other_nbd_fd});
  EXPECT_EQ(verdict_on(facts, mirroring()), "bql-held block-node:tgt uncertain");
}

TEST(judge, is_not_certain_when_the_waiter_was_woken_meanwhile) {
  const auto samples = seen_changing(held_by_migration(), [](process_facts& f, int i) {
    thread_of(f, migration_tid).context_switches += static_cast<std::uint64_t>(i);
  });
  const auto v = judged(samples, mirroring());
  EXPECT_EQ(in_one_line(v), "bql-held block-node:tgt uncertain");
  EXPECT_EQ(v->reasons.back(),
            "live_migration (tid 200) was woken 3 times meanwhile: something still moves.");
}

TEST(judge, finds_no_root_where_no_connection_explains_the_wait) {
  auto moving = seen_changing(held_by_migration(), [](process_facts& f, int i) {
    socket_of(f, nbd_fd).bytes_acked += static_cast<std::uint64_t>(i);
  });
  EXPECT_EQ(in_one_line(judged(moving, mirroring())), "bql-held thread:live_migration uncertain");
  auto unknown_peer = mirroring();
  unknown_peer.nodes["tgt"].peer = "storage.example:10809";
  EXPECT_EQ(verdict_on(held_by_migration(), unknown_peer), "bql-held socket: uncertain");
  auto unpolled = held_by_migration();
  thread_of(unpolled, migration_tid) = polling(thread(migration_tid, "live_migration"), {event_fd});
  EXPECT_EQ(verdict_on(unpolled, mirroring()), "bql-held thread:live_migration uncertain");
}

TEST(judge, says_busy_by_cpu) {
  for (const auto [share, expected] :
       {std::pair{0.005, "bql-held block-node:tgt certain"}, {0.5, "main-loop-busy"}}) {
    const auto samples = seen_changing(held_by_migration(), [&](process_facts& f, int i) {
      thread_of(f, migration_tid).cpu_ns += static_cast<std::uint64_t>(i * share * 5e8);
    });
    EXPECT_EQ(in_one_line(judged(samples, mirroring())), expected) << share;
  }
}

TEST(judge, says_busy_by_file_io) {
  auto facts = idle_process();
  thread_of(facts, main_tid) = blocked_in(thread(main_tid, "qemu-system-x86"), SYS_pwrite64, image_fd);
  const auto working = seen_changing(facts, [](process_facts& f, int i) {
    thread_of(f, main_tid).context_switches += static_cast<std::uint64_t>(i);
    f.written += static_cast<std::uint64_t>(i) * 65'536;
  });
  const auto v = judged(working, mirroring());
  EXPECT_EQ(in_one_line(v), "main-loop-busy");
  EXPECT_EQ(v->reasons.front(),
            "qemu-system-x86 (tid 100) reads or writes files, 196608 bytes since the first sample.");
  EXPECT_EQ(verdict_on(facts, mirroring()), "storage-wait file:/srv/web01.qcow2 certain");
}

TEST(judge, counts_one_that_was_busy_from_when_it_got_stuck) {
  auto busy = [](process_facts& f, int i) {
    if (i < 2) thread_of(f, migration_tid).syscall->args[0] = 0x9999;  // somewhere else
    thread_of(f, migration_tid).cpu_ns += static_cast<std::uint64_t>(std::min(i, 2)) * 400'000'000;
  };
  auto samples = seen_changing(held_by_migration(), busy);
  EXPECT_EQ(in_one_line(judged(samples, mirroring())), "main-loop-busy") << "0.5 s of it was still work";
  auto later = seen_at(samples.back(), {3.5, 4.0});
  samples.insert(samples.end(), later.begin(), later.end());
  EXPECT_EQ(in_one_line(judged(samples, mirroring())), "bql-held block-node:tgt certain");
}

TEST(judge, says_stopped_and_traced) {
  auto stopped = held_by_migration();
  thread_of(stopped, main_tid).state = 'T';
  EXPECT_EQ(verdict_on(stopped, mirroring()), "stopped");
  auto traced = held_by_migration();
  traced.tracer = 4711;
  const auto v = judged(seen_for_three_seconds(traced), mirroring());
  EXPECT_EQ(in_one_line(v), "traced");
  EXPECT_EQ(v->reasons.front(), "Process 4711 traces it.");
  auto in_gdb = held_by_migration();
  thread_of(in_gdb, main_tid).state = 't';
  EXPECT_EQ(verdict_on(in_gdb, mirroring()), "traced");
}

TEST(judge, says_gone_at_once) {
  process_facts end;
  end.at = at(0.1);
  end.pid = main_tid;
  EXPECT_EQ(in_one_line(judged({end}, mirroring())), "gone");
}

TEST(judge, says_lock_cycle) {
  auto facts = held_by_migration();
  thread_of(facts, migration_tid) =
      waiting_for(thread(migration_tid, "live_migration"), iothread_tid, 0x8000);
  thread_of(facts, iothread_tid) = waiting_for(thread(iothread_tid, "IO io0"), migration_tid, 0x9000);
  const auto v = judged(seen_for_three_seconds(facts), mirroring());
  EXPECT_EQ(in_one_line(v), "lock-cycle");
  EXPECT_EQ(v->reasons.size(), 3u);
  auto self = held_by_migration();
  thread_of(self, main_tid) = waiting_for(thread(main_tid, "qemu-system-x86"), main_tid);
  EXPECT_EQ(verdict_on(self, mirroring()), "lock-cycle");
}

TEST(judge, follows_a_lock_behind_the_lock) {
  auto facts = held_by_migration();
  thread_of(facts, migration_tid) =
      waiting_for(thread(migration_tid, "live_migration"), iothread_tid, 0x8000);
  thread_of(facts, iothread_tid) = polling(thread(iothread_tid, "IO io0"), {event_fd, nbd_fd});
  const auto v = judged(seen_for_three_seconds(facts), mirroring());
  EXPECT_EQ(in_one_line(v), "bql-held block-node:tgt certain");
  EXPECT_EQ(v->holder->tid, migration_tid) << "the holder is the one of main's own lock";
}

TEST(judge, says_that_the_holder_sleeps_where_nothing_more_is_known) {
  auto facts = held_by_migration();
  thread_of(facts, migration_tid) = thread(migration_tid, "live_migration");
  EXPECT_EQ(verdict_on(facts, mirroring()), "bql-held thread:live_migration uncertain");
}

TEST(judge, says_nothing_without_the_evidence) {
  const std::pair<const char*, std::function<void(process_facts&)>> cases[] = {
      {"no threads", [](process_facts& f) { f.threads.clear(); }},
      {"no main thread", [](process_facts& f) { f.threads.erase(f.threads.begin()); }},
      {"owner unreadable", [](process_facts& f) { thread_of(f, main_tid).waits_for->owner = 0; }},
      {"owner has ended",
       [](process_facts& f) {
         std::erase_if(f.threads, [](const auto& t) { return t.tid == migration_tid; });
       }},
      {"holder's call unreadable", [](process_facts& f) { thread_of(f, migration_tid).syscall.reset(); }},
      {"holder runs", [](process_facts& f) { thread_of(f, migration_tid).sleeping = false; }},
      {"main's call unreadable", [](process_facts& f) {
         thread_of(f, main_tid).syscall.reset();
         thread_of(f, main_tid).waits_for.reset();
       }}};
  for (const auto& [what, change] : cases) {
    auto facts = held_by_migration();
    change(facts);
    EXPECT_EQ(verdict_on(facts, mirroring()), "no verdict") << what;
  }
  EXPECT_EQ(in_one_line(judged({}, mirroring())), "no verdict");
}

TEST(judge, says_nothing_of_a_wait_that_changes) {
  const std::pair<const char*, std::function<void(process_facts&, int)>> cases[] = {
      {"another mutex", [](process_facts& f,
                           int i) { thread_of(f, main_tid).waits_for->address += static_cast<unsigned>(i); }},
      {"another call",
       [](process_facts& f, int i) {
         thread_of(f, migration_tid).syscall->args[0] += static_cast<unsigned>(i);
       }},
      {"another holder in between",
       [](process_facts& f, int i) {
         if (i == 3) thread_of(f, main_tid).waits_for->owner = vcpu_tid;
       }},
      {"no holder in between",
       [](process_facts& f, int i) {
         if (i == 3) thread_of(f, main_tid).waits_for->owner = 0;
       }},
      {"threads unreadable in between", [](process_facts& f, int i) {
         if (i == 3) f.threads.clear();
       }}};
  for (const auto& [what, change] : cases) {
    EXPECT_EQ(in_one_line(judged(seen_changing(held_by_migration(), change), mirroring())), "no verdict")
        << what;
  }
}

TEST(judge, respects_the_patience_to_the_millisecond) {
  const auto early = seen_at(held_by_migration(), {1.0, 2.0, 2.999});
  const auto late = seen_at(held_by_migration(), {1.0, 2.0, 3.0});
  EXPECT_EQ(in_one_line(judged(early, mirroring())), "no verdict");
  EXPECT_EQ(in_one_line(judged(late, mirroring())), "bql-held block-node:tgt certain");
  auto stopped = held_by_migration();
  thread_of(stopped, main_tid).state = 'T';
  EXPECT_EQ(in_one_line(judged(seen_at(stopped, {2.999}), mirroring())), "no verdict");
  EXPECT_EQ(in_one_line(judged(seen_at(stopped, {3.0}), mirroring())), "stopped");
}

TEST(judge, needs_three_samples_over_half_of_the_patience) {
  const std::pair<std::vector<double>, bool> cases[] = {
      {{1.0, 3.0}, false},     {{2.0, 2.5, 3.0}, false},     {{1.501, 2.0, 3.0}, false},
      {{1.5, 2.0, 3.0}, true}, {{1.0, 2.8, 2.9, 3.0}, true}, {{3.0}, false},
      {{3.0, 3.0, 3.0}, false}};
  for (const auto& [seconds, enough] : cases) {
    EXPECT_EQ(judged(seen_at(held_by_migration(), seconds), mirroring()).has_value(), enough);
  }
}

TEST(undecided, says_what_is_seen) {
  auto vm = mirroring();
  EXPECT_EQ(undecided({}, vm), "No evidence from the process yet.");
  auto facts = idle_process();
  EXPECT_EQ(undecided(std::vector{facts}, vm),
            "The main thread is in system call 271 (state S); no wait is proven.");
  vm.monitor.oob = false;
  EXPECT_EQ(undecided(std::vector{facts}, vm),
            "The main thread is in system call 271 (state S); no wait is proven, and there is no out-of-band "
            "channel.");
  thread_of(facts, main_tid).syscall.reset();
  EXPECT_EQ(undecided(std::vector{facts}, vm), "What the main thread does could not be read.");
  facts.missing = {"syscall of thread 100 and 3 more: Operation not permitted"};
  EXPECT_EQ(undecided(std::vector{facts}, vm),
            "Evidence is missing: syscall of thread 100 and 3 more: Operation not permitted.");
  facts.threads.clear();
  EXPECT_EQ(undecided(std::vector{facts}, vm), "No evidence from the process yet.");
}

}  // namespace
}  // namespace unwedge::policies
