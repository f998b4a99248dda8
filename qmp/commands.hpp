// The commands that Unwedge sends, each with what it takes from QEMU. Source: QEMU qapi/*.json, qemu-facts
// section 1.
#pragma once

#include "qmp/message.hpp"

namespace unwedge::qmp {

/// Takes no lock in QEMU: the in-band probe. Answered only if the main loop runs.
inline command query_status() {
  return {"query-status"};
}
/// Takes the yank lock only (QEMU >= 6.0): the out-of-band probe, and the list of what can be yanked.
inline command query_yank() {
  return {"query-yank", {}, true};
}
inline command query_name() {
  return {"query-name"};
}
inline command query_uuid() {
  return {"query-uuid"};
}
/// The job's AioContext up to 7.1, job_mutex since 7.2.
inline command query_jobs() {
  return {"query-jobs"};
}
inline command query_block_jobs() {
  return {"query-block-jobs"};
}
inline command query_migrate() {
  return {"query-migrate"};
}
/// Stats every image file: while the VM is healthy only, never as a heartbeat (GL#2622). `flat`: no backing
/// chains.
inline command query_named_block_nodes() {
  return {"query-named-block-nodes", {{"flat", true}}};
}
/// Which job holds which node, and as what ("target"). Since 4.0, marked unstable in QEMU: a refusal is
/// tolerated.
inline command query_block_graph() {
  return {"x-debug-query-block-graph"};
}

/// Shuts the connection of a block node down (NBD client nodes only), from the monitor's thread, QEMU >= 6.0.
inline command yank_block_node(std::string_view node) {
  return {
      "yank", {{"instances", json::array{json::object{{"type", "block-node"}, {"node-name", node}}}}}, true};
}
/// Shuts the migration's connections down.
inline command yank_migration() {
  return {"yank", {{"instances", json::array{json::object{{"type", "migration"}}}}}, true};
}

}  // namespace unwedge::qmp
