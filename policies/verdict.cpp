#include "policies/verdict.hpp"

namespace unwedge::policies {

std::string_view to_string(verdict_kind kind) {
  switch (kind) {
    case verdict_kind::bql_held:
      return "bql-held";
    case verdict_kind::main_loop_waits:
      return "main-loop-waits";
    case verdict_kind::lock_cycle:
      return "lock-cycle";
    case verdict_kind::storage_wait:
      return "storage-wait";
    case verdict_kind::main_loop_busy:
      return "main-loop-busy";
    case verdict_kind::stopped:
      return "stopped";
    case verdict_kind::traced:
      return "traced";
    case verdict_kind::frozen:
      return "frozen";
    case verdict_kind::host_starved:
      return "host-starved";
    case verdict_kind::monitor_only:
      return "monitor-only";
    case verdict_kind::gone:
      return "gone";
  }
  return "unknown";
}

bool is_hang(verdict_kind kind) {
  return kind == verdict_kind::bql_held || kind == verdict_kind::main_loop_waits ||
         kind == verdict_kind::lock_cycle;
}

bool is_only_late(verdict_kind kind) {
  return kind == verdict_kind::main_loop_busy || kind == verdict_kind::host_starved;
}

std::string_view to_string(wait_root::kind kind) {
  switch (kind) {
    case wait_root::kind::block_node:
      return "block-node";
    case wait_root::kind::migration:
      return "migration";
    case wait_root::kind::chardev:
      return "chardev";
    case wait_root::kind::socket:
      return "socket";
    case wait_root::kind::file:
      return "file";
    case wait_root::kind::vcpu:
      return "vcpu";
    case wait_root::kind::thread:
      return "thread";
  }
  return "unknown";
}

}  // namespace unwedge::policies
