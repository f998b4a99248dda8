// Verdicts as remedies are asked about, with all that a remedy needs; a test changes what it is about.
#pragma once

#include "policies/policy.hpp"
#include "policies/remedies/remedies.hpp"
#include "world.hpp"

#include <string>

namespace unwedge::policies::fake {

/// The migration thread holds the BQL and polls for this node, a mirror's target.
inline verdict dead_node(std::string name = "tgt", int fd = nbd_fd) {
  verdict v{.kind = verdict_kind::bql_held};
  v.root = wait_root{
      .type = wait_root::kind::block_node,
      .name = std::move(name),
      .peer = std::string(nbd_server),
      .silent_for = std::chrono::milliseconds(6'100),
      .job_target = true,
      .polled_by_waiter = true,
      .connection = connected_socket{fd, 9'000 + static_cast<std::uint64_t>(fd), socket_facts::family::tcp}};
  v.holder = lock_holder{.tid = migration_tid,
                         .comm = "live_migration",
                         .role = thread_role::migration,
                         .mutex = bql,
                         .polls = true};
  return v;
}

/// And is blocked in sending the VM.
inline verdict dead_stream() {
  auto v = dead_node();
  v.root = wait_root{.type = wait_root::kind::migration,
                     .name = "migration",
                     .peer = "10.0.0.9:49200",
                     .silent_for = std::chrono::milliseconds(6'100),
                     .connection = connected_socket{stream_fd, 9'030, socket_facts::family::tcp}};
  v.holder->polls = false;
  v.sending = v.sends_state = true;
  return v;
}

/// mirroring() with a migration before its switchover.
inline vm_model mirroring_and_migrating() {
  auto vm = mirroring();
  vm.migration = migration_state{};
  vm.migration->status = "active";
  vm.migration->postcopy_enabled = vm.migrates_with.multifd = false;
  vm.yankable.migration = true;
  return vm;
}

/// A second mirror, and its node.
inline void add_mirror(vm_model& vm, const std::string& id, const std::string& node) {
  add_nbd_node(vm, node, other_server, true);
  vm.jobs[id] = vm.jobs["m0"];
  vm.jobs[id].target = node;
}

/// The step with its authority, or why there is none.
inline std::string as_text(const plan& p) {
  std::string out = p.why_not;
  for (const auto& s : p.ladder)
    out += s.action + " " + boost::json::serialize(s.arguments) + " " + std::string(to_string(s.needs));
  return out;
}

}  // namespace unwedge::policies::fake
