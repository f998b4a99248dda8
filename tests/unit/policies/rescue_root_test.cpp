// Whose lock is lent away, what is done meanwhile, and where never.
#include "hung.hpp"

#include <gtest/gtest.h>

#include <sys/syscall.h>

namespace unwedge::policies {
namespace {

using namespace fake;

struct row {
  const char* name;
  std::function<void(verdict&, vm_model&)> change;
  std::string is;  ///< the step, or why there is none
};

constexpr std::string_view yank_all =
    R"("yank":[{"type":"migration"},{"type":"block-node","node-name":"tgt"}])";
constexpr std::string_view yank = R"("yank":[{"type":"block-node","node-name":"tgt"}])";
constexpr std::string_view sever = R"("sever":[{"fd":20,"inode":9020,"peer":"10.0.0.7:10809"}])";
constexpr std::string_view yank_and_sever =
    R"("yank":[{"type":"migration"}],"sever":[{"fd":20,"inode":9020,"peer":"10.0.0.7:10809"}])";

std::string lease(std::string_view cut, bool cancel = false, std::string_view further = "") {
  return std::string(R"(rescue-root {"holder":200,"mutexes":["0x560f77f62b40")") + std::string(further) +
         R"(],"cancel_migration":)" + (cancel ? "true" : "false") +
         R"(,"frees_graph":false,"nodes":["tgt"],"cut":{)" + std::string(cut) + R"(},"jobs":["m0"]} rescue)";
}

verdict in_iothread() {
  auto v = dead_node();
  v.root->polled_by_waiter = false;
  return v;
}

qmp::version release(int major, int minor) {
  return {.major = major, .minor = minor};
}

void waits(vm_model& vm) {
  vm.migrates_with.pause_before_switchover = true;
}

TEST(rescue_root, lends_the_lock_and_cuts_the_migration_and_the_copy_off) {
  const row rows[] = {
      {"iothread, TCP", [](verdict&, vm_model&) {}, lease(yank_all)},
      {"no iothread: where yank and sever did not help",
       [](verdict& v, vm_model&) { v.root->polled_by_waiter = true; }, lease(yank_all)},
      {"not listed", [](verdict&, vm_model& vm) { vm.yankable.block_nodes.clear(); }, lease(yank_and_sever)},
      {"unix socket",
       [](verdict& v, vm_model&) {
         v.root->peer = "/run/nbd.sock";
         v.root->connection->kind = socket_facts::family::unix_stream;
       },
       lease(R"("yank":[{"type":"migration"}],"sever":[{"fd":20,"inode":9020,"peer":"/run/nbd.sock"}])")},
      {"a migration that no event told of: its thread is the holder",
       [](verdict&, vm_model& vm) { vm.migration.reset(); }, lease(yank_all)},
      {"a holder without a name may be the migration's thread",
       [](verdict& v, vm_model& vm) {
         v.holder->role = thread_role::unknown;
         vm.migration->status = "completed";
       },
       lease(yank_all)},
      {"a holder of another kind, and no migration",
       [](verdict& v, vm_model& vm) {
         v.holder->role = thread_role::iothread;
         vm.migration.reset();
       },
       lease(yank)},
      {"likewise, with no session",
       [](verdict& v, vm_model& vm) {
         v.holder->role = thread_role::iothread;
         vm.migration.reset();
         vm.monitor.ready = vm.monitor.oob = false;
       },
       lease(sever)},
      {"after STOP, no iothread: the holder is in vm_stop, nothing of the devices was sent",
       [](verdict& v, vm_model& vm) {
         v.root->polled_by_waiter = true;
         vm.stopped_at = at(2);
         vm.run_state = "finish-migrate";
         vm.monitor.version = release(7, 2);
         waits(vm);
       },
       lease(yank, true)},
      {"an AioContext's lock besides",
       [](verdict& v, vm_model&) { v.holder->further_mutexes = {0x55d000001000, 0x55d000002000}; },
       lease(yank_all, false, R"(,"0x55d000001000","0x55d000002000")")},
      {"QEMU 7.2", [](verdict&, vm_model& vm) { vm.monitor.version = release(7, 2); }, lease(yank_all)},
      {"QEMU 8.1", [](verdict&, vm_model& vm) { vm.monitor.version = release(8, 1); }, lease(yank_all)},
      {"a version that is not known: unwedge-rescue looks at the stack",
       [](verdict&, vm_model& vm) { vm.monitor.version = {}; }, lease(yank_all)},
  };
  for (const auto& r : rows) {
    auto v = in_iothread();
    auto vm = mirroring_and_migrating();
    r.change(v, vm);
    EXPECT_EQ(as_text(rescue_root(v, vm)), r.is) << r.name;
  }
}

/// A cancel needs no socket to shut down, and a migration that halts goes on from it at once.
TEST(rescue_root, cancels_the_migration_where_qemu_heeds_that) {
  const row rows[] = {
      {"QEMU 8.2", [](verdict&, vm_model& vm) { vm.monitor.version = release(8, 2); }, lease(yank, true)},
      {"QEMU 10.0, no out-of-band channel",
       [](verdict&, vm_model& vm) {
         vm.monitor.version = release(10, 0);
         vm.monitor.oob = false;
       },
       lease(sever, true)},
      {"multifd",
       [](verdict&, vm_model& vm) {
         vm.monitor.version = release(10, 0);
         vm.migrates_with.multifd = true;
       },
       lease(yank, true)},
      {"a migration that no event told of",
       [](verdict&, vm_model& vm) {
         vm.monitor.version = release(10, 0);
         vm.migration.reset();
       },
       lease(yank, true)},
      {"cancelled already",
       [](verdict&, vm_model& vm) {
         vm.monitor.version = release(10, 0);
         vm.migration->status = "cancelling";
       },
       lease(yank, true)},
      {"QEMU 7.2, before a pause",
       [](verdict&, vm_model& vm) {
         vm.monitor.version = release(7, 2);
         waits(vm);
       },
       lease(yank, true)},
      {"QEMU 7.2, before a pause, multifd, no out-of-band channel",
       [](verdict&, vm_model& vm) {
         vm.monitor.version = release(7, 2);
         vm.monitor.oob = false;
         vm.migrates_with.multifd = true;
         waits(vm);
       },
       lease(sever, true)},
      {"QEMU 5.2 without an iothread, before a pause",
       [](verdict& v, vm_model& vm) {
         v.root->polled_by_waiter = true;
         vm.yankable = {};
         vm.monitor.version = release(5, 2);
         waits(vm);
       },
       lease(sever, true)},
      {"a version that is not known: the pause alone", [](verdict&, vm_model& vm) { waits(vm); },
       lease(yank, false)},
      {"no session: the pause alone",
       [](verdict&, vm_model& vm) {
         vm.monitor.ready = vm.monitor.oob = false;
         waits(vm);
       },
       lease(sever, false)},
  };
  for (const auto& r : rows) {
    auto v = in_iothread();
    auto vm = mirroring_and_migrating();
    r.change(v, vm);
    EXPECT_EQ(as_text(rescue_root(v, vm)), r.is) << r.name;
  }
}

constexpr const char* no_fence =
    "The migration can neither be yanked nor safely be cancelled, and would complete over the broken copy.";
constexpr const char* by_many_channels =
    "Multifd is enabled, or not known not to be: the migration would not take the disks back.";
constexpr const char* in_two_halves = "Post-copy is enabled.";

TEST(rescue_root, never_beside_a_migration_that_it_cannot_end_safely) {
  const row rows[] = {
      {"no out-of-band channel", [](verdict&, vm_model& vm) { vm.monitor.oob = false; }, no_fence},
      {"QEMU 8.1, no out-of-band channel",
       [](verdict&, vm_model& vm) {
         vm.monitor.oob = false;
         vm.monitor.version = release(8, 1);
       },
       no_fence},
      {"not listed", [](verdict&, vm_model& vm) { vm.yankable.migration = false; }, no_fence},
      {"no session", [](verdict&, vm_model& vm) { vm.monitor.ready = vm.monitor.oob = false; }, no_fence},
      {"no session, and a migration that no event told of",
       [](verdict&, vm_model& vm) {
         vm.monitor.ready = vm.monitor.oob = false;
         vm.migration.reset();
       },
       no_fence},
      {"no session, QEMU 10.0",
       [](verdict&, vm_model& vm) {
         vm.monitor.ready = vm.monitor.oob = false;
         vm.monitor.version = release(10, 0);
       },
       no_fence},
      {"multifd", [](verdict&, vm_model& vm) { vm.migrates_with.multifd = true; }, by_many_channels},
      {"multifd not known", [](verdict&, vm_model& vm) { vm.migrates_with.multifd.reset(); },
       by_many_channels},
      {"post-copy enabled",
       [](verdict&, vm_model& vm) {
         vm.migration->postcopy_enabled = true;
         vm.monitor.version = release(10, 0);
         waits(vm);
       },
       in_two_halves},
      {"cancelled already", [](verdict&, vm_model& vm) { vm.migration->status = "cancelling"; },
       "The migration was cancelled already, and would not take the disks back."},
      {"past the switchover",
       [](verdict& v, vm_model& vm) {
         v.root->polled_by_waiter = true;
         vm.migration->status = "device";
         waits(vm);
       },
       "The migration is past its switchover: the destination may already be the VM."},
  };
  for (const auto& r : rows) {
    auto v = in_iothread();
    auto vm = mirroring_and_migrating();
    r.change(v, vm);
    EXPECT_EQ(as_text(rescue_root(v, vm)), r.is) << r.name;
  }
}

TEST(rescue_root, never_in_doubt) {
  const row rows[] = {
      {"main itself waits",
       [](verdict& v, vm_model&) {
         v.kind = verdict_kind::main_loop_waits;
         v.holder.reset();
       },
       "The main thread itself waits: there is no lock to be lent."},
      {"another lock", [](verdict& v, vm_model&) { v.other_lock = true; },
       "The main loop waits for a lock that is not the BQL."},
      {"spinning", [](verdict& v, vm_model&) { v.spinning = true; },
       "The holder of the BQL runs: only one that waits can lend it."},
      {"no holder", [](verdict& v, vm_model&) { v.holder.reset(); }, "Who holds the BQL is not known."},
      {"no address", [](verdict& v, vm_model&) { v.holder->mutex = 0; }, "Who holds the BQL is not known."},
      {"a vCPU", [](verdict& v, vm_model&) { v.holder->role = thread_role::vcpu; },
       "A vCPU holds the BQL: its guest would run on while QEMU is in the middle of something."},
      {"no poll", [](verdict& v, vm_model&) { v.holder->polls = false; },
       "The holder of the BQL does not wait in ppoll."},
      {"locks without end", [](verdict& v, vm_model&) { v.holder->further_mutexes.assign(8, 0x1000); },
       "The holder has 9 locks that others wait for."},
      {"QEMU 7.1", [](verdict&, vm_model& vm) { vm.monitor.version = {.major = 7, .minor = 1, .micro = 0}; },
       "QEMU 7.1.0 with the job of node \"tgt\" in an iothread dies of whatever ends its connection."},
      {"QEMU 5.2", [](verdict&, vm_model& vm) { vm.monitor.version = {.major = 5, .minor = 2, .micro = 0}; },
       "QEMU 5.2.0 with the job of node \"tgt\" in an iothread dies of whatever ends its connection."},
      {"not certain", [](verdict& v, vm_model&) { v.certain = false; }, "What it waits for is not certain."},
      {"the guest's disk", [](verdict& v, vm_model&) { v.root->job_target = false; },
       "Node \"tgt\" is no job's target but a disk of the guest: losing it could cost the VM."},
      {"the guest's disk beside a target",
       [](verdict& v, vm_model& vm) {
         v.further_roots.push_back(*dead_node("disk", 21).root);
         v.further_roots[0].job_target = false;
         add_nbd_node(vm, "disk", other_server, false);
       },
       "Node \"disk\" is no job's target but a disk of the guest: losing it could cost the VM."},
      {"no job that is known", [](verdict&, vm_model& vm) { vm.jobs.clear(); },
       "Which job copies to node \"tgt\" is not known."},
      {"no socket, and no yank",
       [](verdict& v, vm_model& vm) {
         v.root->connection.reset();
         vm.yankable.block_nodes.clear();
       },
       "Which socket of the process is the connection of \"tgt\" is not known."},
      {"a server at its flush", [](verdict& v, vm_model&) { v.root->takes_bytes = true; },
       "The server of node \"tgt\" took all that was sent: it may be writing it to its disk."},
      {"not silent", [](verdict& v, vm_model&) { v.root->silent_for.reset(); },
       "The connection of node \"tgt\" is not silent."},
      {"post-copy", [](verdict&, vm_model& vm) { vm.migration->status = "postcopy-active"; },
       "In post-copy the memory is split over two hosts."},
      {"at work", [](verdict& v, vm_model&) { v.kind = verdict_kind::main_loop_busy; },
       "It is at work: waiting is right."},
      {"a cycle", [](verdict& v, vm_model&) { v.kind = verdict_kind::lock_cycle; },
       "Nothing to be done about lock-cycle."},
  };
  for (const auto& r : rows) {
    auto v = in_iothread();
    auto vm = mirroring_and_migrating();
    r.change(v, vm);
    EXPECT_EQ(as_text(rescue_root(v, vm)), r.is) << r.name;
  }
}

TEST(rescue_root, never_of_the_migration_stream) {
  auto v = dead_stream();
  v.holder->polls = true;
  EXPECT_EQ(as_text(rescue_root(v, migrating())),
            "A lease is known to help only where the target of a job is dead.");
}

/// Which connection is which node's is not always known: all are cut in the same way.
TEST(rescue_root, of_two_targets_cuts_both_in_the_way_that_does_for_both) {
  auto v = in_iothread();
  v.further_roots.push_back(*dead_node("two", other_nbd_fd).root);
  auto vm = mirroring_and_migrating();
  add_mirror(vm, "m1", "two");
  const std::string both =
      R"(rescue-root {"holder":200,"mutexes":["0x560f77f62b40"],"cancel_migration":false,)"
      R"("frees_graph":false,"nodes":["tgt","two"],"cut":{)";
  EXPECT_EQ(as_text(rescue_root(v, vm)),
            both + R"("yank":[{"type":"migration"},{"type":"block-node","node-name":"tgt"},)"
                   R"({"type":"block-node","node-name":"two"}])"
                   R"(},"jobs":["m0","m1"]} rescue)");
  std::erase(vm.yankable.block_nodes, "two");
  EXPECT_EQ(as_text(rescue_root(v, vm)),
            both + R"("yank":[{"type":"migration"}],"sever":[{"fd":20,"inode":9020,"peer":"10.0.0.7:10809"},)"
                   R"({"fd":21,"inode":9021,"peer":"10.0.0.7:10809"}]},"jobs":["m0","m1"]} rescue)");
  v.root->connection.reset();
  EXPECT_EQ(as_text(rescue_root(v, vm)),
            "Which socket of the process is the connection of \"tgt\" is not known.");
}

/// What QEMU tells in the window counts.
TEST(against_fence, looks_at_what_the_migration_is_now) {
  using enum migration_fence;
  const auto against = [](migration_fence planned, auto change) {
    auto vm = mirroring_and_migrating();  // on a QEMU whose version is not known, so before 8.2
    change(vm);
    return against_fence(planned, vm);
  };
  const auto as_it_is = [](vm_model&) {};
  const auto halts = [](vm_model& vm) {
    vm.monitor.version = release(7, 2);
    vm.migrates_with.pause_before_switchover = true;
  };
  const auto is = [](const char* status) { return [=](vm_model& vm) { vm.migration->status = status; }; };
  EXPECT_EQ(against(yank, as_it_is), "");
  EXPECT_EQ(against(cancel, as_it_is), "The migration would not heed its cancel.");
  EXPECT_EQ(against(none, as_it_is), "A migration runs that was not known of.");
  EXPECT_EQ(against(cancel, halts), "");
  EXPECT_EQ(against(none, halts), "");
  EXPECT_THAT(against(yank, halts), testing::HasSubstr("it is to be cancelled"));
  EXPECT_EQ(against(cancel, [](vm_model& vm) { vm.monitor.version = release(8, 2); }), "");
  EXPECT_THAT(against(yank, [](vm_model& vm) { vm.migrates_with.multifd = true; }),
              testing::HasSubstr("Multifd"));
  EXPECT_THAT(against(yank, is("cancelling")), testing::HasSubstr("cancelled already"));
  for (const auto planned : {none, yank, cancel}) {
    EXPECT_EQ(against(planned, is("failed")), "") << "it has ended";
    EXPECT_EQ(against(planned, [](vm_model& vm) { vm.migration.reset(); }), "");
    EXPECT_THAT(against(planned, is("device")), testing::HasSubstr("past its switchover"));
    EXPECT_THAT(against(planned, is("postcopy-active")), testing::HasSubstr("split over two hosts"));
    for (const auto enabled : {std::optional(true), std::optional<bool>()})
      EXPECT_THAT(against(planned, [&](vm_model& vm) { vm.migration->postcopy_enabled = enabled; }),
                  testing::HasSubstr("Post-copy is enabled"));
  }
}

/// drive-mirror's node: QEMU opened it and named it, and takes it away with the job. A job that dismisses
/// itself.
TEST(rescue_root, tells_of_what_goes_with_the_end_of_a_job) {
  auto v = in_iothread();
  const auto goes = [&](auto change) {
    auto vm = mirroring_and_migrating();
    change(vm);
    return as_text(rescue_root(v, vm)).contains(R"("frees_graph":true)");
  };
  EXPECT_FALSE(goes([](vm_model&) {}));
  EXPECT_TRUE(goes([](vm_model& vm) { vm.jobs["m0"].auto_dismiss = true; }));
  EXPECT_TRUE(goes([](vm_model& vm) { vm.jobs["m0"].auto_dismiss = std::nullopt; })) << "it is the default";
  EXPECT_TRUE(goes([](vm_model& vm) {
    vm.jobs["m0"].target = "#block733";  // over a node that has a name in its json: URI
    vm.nodes["tgt"].target_of = {"m0"};
  }));
  v.further_roots.push_back(*dead_node("#block734", other_nbd_fd).root);
  EXPECT_TRUE(goes([](vm_model& vm) { add_mirror(vm, "m1", "#block734"); }));
}

/// As the lab saw it with an iothread: the holder polls its eventfd alone (qemu-facts 8.3).
process_facts held_with_iothread() {
  auto f = held_by_migration();
  thread_of(f, migration_tid).polled_fds = {event_fd};
  thread_of(f, iothread_tid).polled_fds = {event_fd, nbd_fd};
  return f;
}

TEST(rescue_root, is_told_holder_and_locks_by_what_is_seen) {
  const auto vm = mirroring_and_migrating();
  const auto seen = [&](const process_facts& f) {
    const auto v = judged(seen_for_three_seconds(f), vm);
    return v ? as_text(rescue_root(*v, vm)) : "no verdict";
  };
  auto f = held_with_iothread();
  EXPECT_EQ(seen(f), lease(yank_all));
  // What others wait for besides, each once; not what somebody else holds.
  f.threads.push_back(waiting_for(thread(501, "worker"), migration_tid, 0x55d000002000));
  f.threads.push_back(waiting_for(thread(502, "worker"), migration_tid, 0x55d000001000));
  f.threads.push_back(waiting_for(thread(503, "worker"), migration_tid, 0x55d000002000));
  f.threads.push_back(waiting_for(thread(504, "worker"), vcpu_tid, 0x55d000003000));
  EXPECT_EQ(seen(f), lease(yank_all, false, R"(,"0x55d000001000","0x55d000002000")"));

  auto other = held_with_iothread();
  thread_of(other, main_tid).waits_for->outside_program = true;
  EXPECT_EQ(seen(other), "The main loop waits for a lock that is not the BQL.");
  auto poll = held_with_iothread();
  thread_of(poll, migration_tid).syscall->number = SYS_poll;
  EXPECT_EQ(seen(poll), "The holder of the BQL does not wait in ppoll.");
  auto vcpu = held_with_iothread();
  thread_of(vcpu, migration_tid).comm = "CPU 1/KVM";
  EXPECT_EQ(seen(vcpu),
            "A vCPU holds the BQL: its guest would run on while QEMU is in the middle of something.");
  // The holder waits for a third thread's lock, and that one polls.
  auto third = held_with_iothread();
  third.threads.push_back(polling(thread(505, "worker"), {event_fd}));
  thread_of(third, migration_tid) = waiting_for(thread(migration_tid, "live_migration"), 505, 0x55d000001000);
  EXPECT_EQ(seen(third), "The holder of the BQL does not wait in ppoll.");
}

}  // namespace
}  // namespace unwedge::policies
