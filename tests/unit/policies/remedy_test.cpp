#include "hung.hpp"

#include <gtest/gtest.h>

#include <sys/syscall.h>

namespace unwedge::policies {
namespace {

using namespace fake;

TEST(remedy, yanks_the_dead_target_that_the_waiter_polls) {
  for (const auto kind : {verdict_kind::bql_held, verdict_kind::main_loop_waits}) {
    auto v = dead_node();
    v.kind = kind;
    EXPECT_EQ(as_text(yank_root(v, mirroring())),
              R"(yank {"instances":[{"type":"block-node","node-name":"tgt"}]} protect)");
  }
}

TEST(remedy, yanks_all_dead_targets_at_once) {
  auto v = dead_node();
  v.further_roots.push_back(*dead_node("two").root);
  auto vm = mirroring();
  add_nbd_node(vm, "two", other_server, true);
  EXPECT_EQ(as_text(yank_root(v, vm)), R"(yank {"instances":[{"type":"block-node","node-name":"tgt"},)"
                                       R"({"type":"block-node","node-name":"two"}]} protect)");
}

TEST(remedy, yanks_the_stream_on_which_the_source_is_blocked_sending) {
  EXPECT_EQ(as_text(yank_root(dead_stream(), migrating())),
            R"(yank {"instances":[{"type":"migration"}]} protect)");
}

TEST(remedy, is_none_for_other_verdicts) {
  const std::pair<verdict_kind, const char*> cases[] = {
      {verdict_kind::main_loop_busy, "It is at work: waiting is right."},
      {verdict_kind::lock_cycle, "Nothing to be done about lock-cycle."},
      {verdict_kind::storage_wait, "Nothing to be done about storage-wait."},
      {verdict_kind::stopped, "Nothing to be done about stopped."},
      {verdict_kind::traced, "Nothing to be done about traced."},
      {verdict_kind::gone, "Nothing to be done about gone."}};
  for (const auto& [kind, why] : cases) {
    auto v = dead_node();
    v.kind = kind;
    EXPECT_EQ(as_text(yank_root(v, mirroring())), why);
  }
}

struct refusal {
  std::function<void(verdict&, vm_model&)> change;
  const char* why;
};

TEST(remedy, never_yanks_a_node_in_doubt) {
  const refusal cases[] = {
      {[](verdict&, vm_model& vm) { vm.monitor.oob = false; }, "The monitor has no out-of-band channel."},
      {[](verdict& v, vm_model&) { v.certain = false; }, "What it waits for is not certain."},
      {[](verdict& v, vm_model&) { v.root.reset(); }, "What it waits for is not certain."},
      {[](verdict& v, vm_model&) { v.root->type = wait_root::kind::thread; },
       "No remedy is known for this root."},
      {[](verdict& v, vm_model&) { v.root->type = wait_root::kind::socket; },
       "No remedy is known for this root."},
      {[](verdict& v, vm_model&) { v.root->type = wait_root::kind::file; },
       "No remedy is known for this root."},
      {[](verdict& v, vm_model&) { v.root->polled_by_waiter = false; },
       "The job of node \"tgt\" runs in an iothread: a plain yank would make QEMU abort."},
      {[](verdict& v, vm_model&) { v.root->silent_for.reset(); },
       "The connection of node \"tgt\" is not silent."},
      {[](verdict&, vm_model& vm) { vm.yankable.block_nodes.clear(); },
       "QEMU does not list node \"tgt\" among what it can yank."},
      {[](verdict& v, vm_model&) { v.root->peer = "/run/nbd.sock"; },
       "Node \"tgt\" is reached by a unix socket: a plain yank does not end the wait."},
      {[](verdict& v, vm_model&) { v.root->peer = "@nbd"; },
       "Node \"tgt\" is reached by a unix socket: a plain yank does not end the wait."},
      {[](verdict&, vm_model& vm) {
         vm.migration = migration_state{};
         vm.migration->status = "postcopy-active";
       },
       "In post-copy the memory is split over two hosts."},
      {[](verdict& v, vm_model&) { v.further_roots.push_back(*dead_stream().root); },
       "Not all that it waits for are block nodes."}};
  for (const auto& c : cases) {
    auto v = dead_node();
    auto vm = mirroring();
    c.change(v, vm);
    EXPECT_EQ(as_text(yank_root(v, vm)), c.why);
  }
}

TEST(remedy, never_yanks_a_disk_the_guest_runs_on) {
  auto v = dead_node();
  v.root->job_target = false;
  const auto* why = "Node \"tgt\" is no job's target but a disk of the guest: losing it could cost the VM.";
  EXPECT_EQ(as_text(yank_root(v, mirroring())), why);
  auto beside_a_target = dead_node("two");
  beside_a_target.further_roots.push_back(*v.root);
  auto vm = mirroring();
  add_nbd_node(vm, "two", other_server, true);
  EXPECT_EQ(as_text(yank_root(beside_a_target, vm)), why);
}

TEST(remedy, never_yanks_a_stream_in_doubt) {
  const refusal cases[] = {
      {[](verdict& v, vm_model&) { v.sends_state = false; },
       "What is still to be sent may not be needed: the destination may already be the VM."},
      {[](verdict& v, vm_model&) { v.sending = false; },
       "The source has sent all it had; the destination may already be the VM."},
      {[](verdict& v, vm_model&) { v.root->silent_for.reset(); }, "The migration stream is not silent."},
      {[](verdict& v, vm_model&) { v.certain = false; }, "What it waits for is not certain."},
      {[](verdict&, vm_model& vm) { vm.migration->status = "postcopy-active"; },
       "In post-copy the memory is split over two hosts."},
      {[](verdict&, vm_model& vm) { vm.migration->status = "postcopy-brand-new"; },
       "In post-copy the memory is split over two hosts."},
      {[](verdict&, vm_model& vm) { vm.migration->postcopy_enabled = true; },
       "Post-copy is enabled for this migration and may have begun."},
      {[](verdict&, vm_model& vm) { vm.migration->postcopy_enabled.reset(); },
       "Whether post-copy is enabled is not known."},
      {[](verdict&, vm_model& vm) { vm.migration.reset(); }, "Nothing is known of a migration that runs."},
      {[](verdict&, vm_model& vm) { vm.migration->status = "completed"; },
       "Nothing is known of a migration that runs."},
      {[](verdict&, vm_model& vm) { vm.yankable.migration = false; },
       "QEMU does not list the migration among what it can yank."},
      {[](verdict&, vm_model& vm) { vm.monitor.oob = false; }, "The monitor has no out-of-band channel."}};
  for (const auto& c : cases) {
    auto v = dead_stream();
    auto vm = migrating();
    c.change(v, vm);
    EXPECT_EQ(as_text(yank_root(v, vm)), c.why);
  }
}

/// From the samples to the act, as the daemon goes.
std::string remedy_on(const process_facts& facts, const vm_model& vm) {
  const auto v = judged(seen_for_three_seconds(facts), vm);
  return v ? as_text(yank_root(*v, vm)) : "no verdict";
}

TEST(remedy, of_what_is_seen_is_the_one_that_helps) {
  const auto yank_tgt = R"(yank {"instances":[{"type":"block-node","node-name":"tgt"}]} protect)";
  const auto yank_stream = R"(yank {"instances":[{"type":"migration"}]} protect)";
  EXPECT_EQ(remedy_on(held_by_migration(), mirroring()), yank_tgt);
  EXPECT_EQ(remedy_on(main_polls_nested(), mirroring()), yank_tgt);
  EXPECT_EQ(remedy_on(held_in_stream(SYS_sendmsg), migrating()), yank_stream);
  EXPECT_EQ(remedy_on(held_in_stream(SYS_recvmsg), migrating()),
            "The source has sent all it had; the destination may already be the VM.");
}

TEST(remedy, does_not_touch_an_idle_mirror_while_the_guests_disk_is_dead) {
  auto facts = held_by_migration();
  facts.sockets = {idle_connection(nbd_fd, nbd_server), dead_connection(other_nbd_fd, other_server)};
  thread_of(facts, migration_tid).polled_fds = {event_fd, nbd_fd, other_nbd_fd};
  auto vm = mirroring();
  add_nbd_node(vm, "disk", other_server, false);
  EXPECT_EQ(remedy_on(facts, vm),
            "Node \"disk\" is no job's target but a disk of the guest: losing it could cost the VM.");
  facts.sockets = {dead_connection(nbd_fd, nbd_server), dead_connection(other_nbd_fd, other_server)};
  EXPECT_EQ(remedy_on(facts, vm),
            "Node \"disk\" is no job's target but a disk of the guest: losing it could cost the VM.");
}

TEST(remedy, does_not_touch_a_mirror_that_the_guest_may_have_been_switched_over_to) {
  for (const auto* status : {"waiting", "pending", "concluded", "null"}) {
    auto vm = mirroring();
    vm.nodes["tgt"].target_of = {"m0"};
    const qmp::json::object data{{"id", "m0"}, {"status", status}};
    apply_event(vm, {.name = "JOB_STATUS_CHANGE", .data = data, .raw = ""}, at(0));
    EXPECT_EQ(remedy_on(main_polls_nested(), vm),
              "Node \"tgt\" is no job's target but a disk of the guest: losing it could cost the VM.")
        << status;
  }
}

}  // namespace
}  // namespace unwedge::policies
