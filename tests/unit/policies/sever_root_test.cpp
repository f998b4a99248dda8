// What is cut off from outside, and what never is.
#include "hung.hpp"

#include <gtest/gtest.h>

#include <sys/syscall.h>

namespace unwedge::policies {
namespace {

using namespace fake;

constexpr const char* sever_tgt =
    R"(sever-root {"nodes":["tgt"],"connections":[{"fd":20,"inode":9020,"peer":"10.0.0.7:10809"}]} protect)";
constexpr const char* sever_stream =
    R"(sever-root {"migration":true,"connections":[{"fd":30,"inode":9030,"peer":"10.0.0.9:49200"}]} protect)";

struct row {
  const char* name;
  std::function<void(verdict&, vm_model&)> change;
  std::string is;  ///< the step, or why there is none
};

void by_unix(verdict& v) {
  v.root->peer = "/run/nbd.sock";
  v.root->connection->kind = socket_facts::family::unix_stream;
}

void stopped_for_migration(vm_model& vm) {
  vm.migration = migration_state{};
  vm.migration->status = "active";
  vm.migration->began = at(1);
  vm.stopped_at = at(2);
}

TEST(sever_root, of_a_dead_target_whether_or_not_it_can_be_yanked) {
  const row rows[] = {
      {"TCP, can be yanked", [](verdict&, vm_model&) {}, sever_tgt},
      {"main itself waits",
       [](verdict& v, vm_model&) {
         v.kind = verdict_kind::main_loop_waits;
         v.holder.reset();
       },
       sever_tgt},
      {"no out-of-band channel", [](verdict&, vm_model& vm) { vm.monitor.oob = false; }, sever_tgt},
      {"no session",
       [](verdict&, vm_model& vm) { vm.monitor.ready = vm.monitor.oob = vm.monitor.connected = false; },
       sever_tgt},
      {"QEMU has no yank", [](verdict&, vm_model& vm) { vm.yankable = {}; }, sever_tgt},
      {"unix socket", [](verdict& v, vm_model&) { by_unix(v); },
       R"(sever-root {"nodes":["tgt"],"connections":[{"fd":20,"inode":9020,"peer":"/run/nbd.sock"}]} protect)"},
      {"QEMU 5.2 without an iothread",
       [](verdict&, vm_model& vm) { vm.monitor.version = {.major = 5, .minor = 2}; }, sever_tgt},
      {"iothread, but the disks have left it, and the migration halts before its switchover",
       [](verdict& v, vm_model& vm) {
         v.root->polled_by_waiter = false;
         stopped_for_migration(vm);
         vm.migrates_with.pause_before_switchover = true;
       },
       sever_tgt},
      {"a vCPU holds the lock", [](verdict& v, vm_model&) { v.holder->role = thread_role::vcpu; }, sever_tgt},
      {"two targets, in order of their descriptors",
       [](verdict& v, vm_model& vm) {
         v.further_roots.push_back(*dead_node("two", 7).root);
         add_mirror(vm, "m1", "two");
       },
       R"(sever-root {"nodes":["tgt","two"],"connections":[{"fd":7,"inode":9007,"peer":"10.0.0.7:10809"},)"
       R"({"fd":20,"inode":9020,"peer":"10.0.0.7:10809"}]} protect)"},
  };
  for (const auto& r : rows) {
    auto v = dead_node();
    auto vm = mirroring();
    r.change(v, vm);
    EXPECT_EQ(as_text(sever_root(v, vm)), r.is) << r.name;
  }
}

TEST(sever_root, never_of_a_node_in_doubt) {
  const row rows[] = {
      {"iothread", [](verdict& v, vm_model&) { v.root->polled_by_waiter = false; },
       "The job of node \"tgt\" runs in an iothread: cut off without a lease it would make QEMU abort."},
      {"iothread of another root",
       [](verdict& v, vm_model& vm) {
         v.further_roots.push_back(*dead_node("two", 21).root);
         v.further_roots[0].polled_by_waiter = false;
         add_mirror(vm, "m1", "two");
       },
       "The job of node \"two\" runs in an iothread: cut off without a lease it would make QEMU abort."},
      {"after STOP without a halt before the switchover",
       [](verdict& v, vm_model& vm) {
         v.root->polled_by_waiter = false;
         stopped_for_migration(vm);
       },
       "Without pause-before-switchover the migration would complete over the broken copy on node \"tgt\"."},
      {"after that halt",
       [](verdict& v, vm_model& vm) {
         v.root->polled_by_waiter = false;
         stopped_for_migration(vm);
         vm.migration->status = "device";
         vm.migrates_with.pause_before_switchover = true;
       },
       "Without pause-before-switchover the migration would complete over the broken copy on node \"tgt\"."},
      {"QEMU 5.2 after STOP",
       [](verdict& v, vm_model& vm) {
         v.root->polled_by_waiter = false;
         stopped_for_migration(vm);
         vm.migrates_with.pause_before_switchover = true;
         vm.monitor.version = {.major = 5, .minor = 2};
       },
       "QEMU 5.2.0 with the job of node \"tgt\" in an iothread dies of whatever ends its connection."},
      {"the guest's disk", [](verdict& v, vm_model&) { v.root->job_target = false; },
       "Node \"tgt\" is no job's target but a disk of the guest: losing it could cost the VM."},
      {"the guest's disk beside a target",
       [](verdict& v, vm_model& vm) {
         v.further_roots.push_back(*dead_node("disk", 21).root);
         v.further_roots[0].job_target = false;
         add_nbd_node(vm, "disk", other_server, false);
       },
       "Node \"disk\" is no job's target but a disk of the guest: losing it could cost the VM."},
      {"post-copy",
       [](verdict&, vm_model& vm) {
         vm.migration = migration_state{};
         vm.migration->status = "postcopy-active";
       },
       "In post-copy the memory is split over two hosts."},
      {"a server at its flush",
       [](verdict& v, vm_model&) {
         v.root->takes_bytes = true;
         v.root->silent_for = std::chrono::milliseconds(19'999);
       },
       "The server of node \"tgt\" took all that was sent: it may be writing it to its disk."},
      {"not silent", [](verdict& v, vm_model&) { v.root->silent_for.reset(); },
       "The connection of node \"tgt\" is not silent."},
      {"not certain", [](verdict& v, vm_model&) { v.certain = false; }, "What it waits for is not certain."},
      {"no root", [](verdict& v, vm_model&) { v.root.reset(); }, "What it waits for is not certain."},
      {"the stream besides", [](verdict& v, vm_model&) { v.further_roots.push_back(*dead_stream().root); },
       "Not all that it waits for are block nodes."},
      {"a chardev", [](verdict& v, vm_model&) { v.root->type = wait_root::kind::chardev; },
       "No remedy is known for this root."},
      {"a socket of nobody's", [](verdict& v, vm_model&) { v.root->type = wait_root::kind::socket; },
       "No remedy is known for this root."},
      {"at work", [](verdict& v, vm_model&) { v.kind = verdict_kind::main_loop_busy; },
       "It is at work: waiting is right."},
      {"a cycle", [](verdict& v, vm_model&) { v.kind = verdict_kind::lock_cycle; },
       "Nothing to be done about lock-cycle."},
      {"no socket", [](verdict& v, vm_model&) { v.root->connection.reset(); },
       "Which socket of the process is the connection of \"tgt\" is not known."},
      {"no inode", [](verdict& v, vm_model&) { v.root->connection->inode = 0; },
       "Which socket of the process is the connection of \"tgt\" is not known."},
      {"another kind of socket",
       [](verdict& v, vm_model&) { v.root->connection->kind = socket_facts::family::other; },
       "The connection of \"tgt\" is neither TCP nor a unix socket."},
  };
  for (const auto& r : rows) {
    auto v = dead_node();
    auto vm = mirroring();
    r.change(v, vm);
    EXPECT_EQ(as_text(sever_root(v, vm)), r.is) << r.name;
  }
}

/// migrating() as without a yank: no out-of-band channel.
TEST(sever_root, of_the_stream_only_where_it_cannot_be_yanked_and_two_vms_cannot_run) {
  const row rows[] = {
      {"no out-of-band channel", [](verdict&, vm_model&) {}, sever_stream},
      {"not listed",
       [](verdict&, vm_model& vm) {
         vm.monitor.oob = true;
         vm.yankable.migration = false;
       },
       sever_stream},
      {"can be yanked", [](verdict&, vm_model& vm) { vm.monitor.oob = true; },
       "QEMU can yank the migration: a sever would do no more."},
      {"unix socket",
       [](verdict& v, vm_model&) { v.root->connection->kind = socket_facts::family::unix_stream; },
       "The migration stream is a unix socket: to sever it would let more of the VM through first."},
      {"no state in what is not sent", [](verdict& v, vm_model&) { v.sends_state = false; },
       "What is still to be sent may not be needed: the destination may already be the VM."},
      {"receives", [](verdict& v, vm_model&) { v.sending = false; },
       "The source has sent all it had; the destination may already be the VM."},
      {"not silent", [](verdict& v, vm_model&) { v.root->silent_for.reset(); },
       "The migration stream is not silent."},
      {"not certain", [](verdict& v, vm_model&) { v.certain = false; }, "What it waits for is not certain."},
      {"post-copy", [](verdict&, vm_model& vm) { vm.migration->status = "postcopy-active"; },
       "In post-copy the memory is split over two hosts."},
      {"post-copy enabled", [](verdict&, vm_model& vm) { vm.migration->postcopy_enabled = true; },
       "Post-copy is enabled for this migration and may have begun."},
      {"post-copy not known", [](verdict&, vm_model& vm) { vm.migration->postcopy_enabled.reset(); },
       "Whether post-copy is enabled is not known."},
      {"no migration", [](verdict&, vm_model& vm) { vm.migration.reset(); },
       "Nothing is known of a migration that runs."},
      {"no socket", [](verdict& v, vm_model&) { v.root->connection.reset(); },
       "Which socket of the process is the connection of \"migration\" is not known."},
  };
  for (const auto& r : rows) {
    auto v = dead_stream();
    auto vm = migrating();
    vm.monitor.oob = false;
    r.change(v, vm);
    EXPECT_EQ(as_text(sever_root(v, vm)), r.is) << r.name;
  }
}

TEST(sever_root, is_told_its_connections_by_what_is_seen) {
  const auto of_node = judged(seen_for_three_seconds(held_by_migration()), mirroring());
  EXPECT_EQ(as_text(sever_root(*of_node, mirroring())), sever_tgt);
  auto vm = migrating();
  vm.monitor.oob = false;
  const auto of_stream = judged(seen_for_three_seconds(held_in_stream(SYS_sendmsg)), vm);
  EXPECT_EQ(as_text(sever_root(*of_stream, vm)), sever_stream);
}

/// Which connection is which node's nobody knows: all that are dead are cut.
TEST(sever_root, of_two_nodes_of_one_server_cuts_both_connections) {
  auto facts = held_by_migration();
  facts.sockets.push_back(dead_connection(other_nbd_fd, nbd_server));
  thread_of(facts, migration_tid).polled_fds = {event_fd, nbd_fd, other_nbd_fd};
  auto vm = mirroring();
  add_mirror(vm, "m1", "two");
  vm.nodes["two"].peer = vm.nodes["two"].server = nbd_server;
  const auto v = judged(seen_for_three_seconds(facts), vm);
  EXPECT_EQ(as_text(sever_root(*v, vm)),
            R"(sever-root {"nodes":["tgt","two"],"connections":[{"fd":20,"inode":9020,"peer":)"
            R"("10.0.0.7:10809"},{"fd":21,"inode":9021,"peer":"10.0.0.7:10809"}]} protect)");
}

}  // namespace
}  // namespace unwedge::policies
