// The documents of the scripted QEMU: fields as QEMU 7.2 and 10.0 send them, those that nobody reads left
// out.
#include "scripted_qemu.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace unwedge::policies::fake {

using boost::json::array;
using boost::json::object;

boost::json::value scripted_qemu::document(query q) const {
  switch (q) {
    case query::status:
      return object{{"status", run_state_}, {"running", run_state_ == "running"}};
    case query::name:
      return object{{"name", "web01"}};
    case query::uuid:
      return object{{"UUID", "6d2f3bb8-6c0b-4a58-9e0f-0f1a54a7e001"}};
    case query::jobs:
    case query::block_jobs:
      return block_jobs();
    case query::migrate:
      return query_migrate();
    case query::migrate_capabilities: {
      array out;
      for (const auto& [name, on] : capabilities_) out.push_back(object{{"capability", name}, {"state", on}});
      return out;
    }
    case query::migrate_parameters:
      return parameters();
    case query::chardevs:
      return array{object{{"label", of_.libvirt ? "charmonitor" : "compat_monitor0"},
                          {"filename", "unix:/run/web01.sock"}}};
    case query::block_nodes:
      return block_nodes();
    case query::block_graph:
      return block_graph();
    case query::yank: {
      array out;
      if (of_.release == release::qemu_5_2) return out;  // an error, of which the model makes as much
      for (const auto& [id, j] : jobs_) {
        if (!j.node.empty() && !j.cut) out.push_back(object{{"type", "block-node"}, {"node-name", j.node}});
      }
      if (migrates()) out.push_back(object{{"type", "migration"}});
      return out;
    }
  }
  return nullptr;
}

/// Of both query-jobs and query-block-jobs: each reads its own fields.
array scripted_qemu::block_jobs() const {
  array out;
  for (const auto& [id, j] : jobs_) {
    if (!j.listed) continue;
    const auto offset = static_cast<std::int64_t>(j.offset);
    object o{{"id", id},
             {"device", id},
             {"type", j.type},
             {"status", j.status},
             {"current-progress", offset},
             {"total-progress", 268'435'456},
             {"offset", offset},
             {"len", 268'435'456},
             {"busy", j.status == "running" || j.owed_since.has_value()},
             {"io-status", j.io_status}};
    if (!j.error.empty()) o["error"] = j.error;
    out.push_back(std::move(o));
  }
  return out;
}

array scripted_qemu::block_nodes() const {
  array out{object{{"node-name", "disk0"}, {"drv", "raw"}, {"file", "/srv/web01.qcow2"}}};
  for (const auto& [id, j] : jobs_) {
    if (j.node.empty()) continue;
    const auto file = on_unix_socket(j) ? fmt::format("nbd+unix:///{}?socket={}", j.node, j.peer)
                                        : fmt::format("nbd://{}/{}", j.peer, j.node);
    out.push_back(object{{"node-name", j.node}, {"drv", "nbd"}, {"file", file}});
  }
  return out;
}

object scripted_qemu::block_graph() const {
  array nodes{
      object{{"id", 1}, {"type", "block-backend"}, {"name", "/machine/peripheral/vd0/virtio-backend"}},
      object{{"id", 2}, {"type", "block-driver"}, {"name", "disk0"}}};
  array edges{object{{"parent", 1}, {"child", 2}, {"name", "root"}}};
  int next = 3;
  for (const auto& [id, j] : jobs_) {
    if (j.node.empty()) continue;
    const int target = next++;
    nodes.push_back(object{{"id", target}, {"type", "block-driver"}, {"name", j.node}});
    if (!j.listed) continue;
    const int job = next++;
    nodes.push_back(object{{"id", job}, {"type", "block-job"}, {"name", id}});
    edges.push_back(object{{"parent", job}, {"child", 2}, {"name", "source"}});
    edges.push_back(object{{"parent", job}, {"child", target}, {"name", "target"}});
  }
  return {{"nodes", std::move(nodes)}, {"edges", std::move(edges)}};
}

object scripted_qemu::query_migrate() const {
  if (status_ == "none") return {};
  object out{{"status", status_}};
  out["ram"] = object{{"total", static_cast<std::int64_t>(of_.ram_mib * 1'048'576)},
                      {"remaining", static_cast<std::int64_t>(std::max(remaining_, 0.0))},
                      {"transferred", static_cast<std::int64_t>(transferred_)},
                      {"dirty-sync-count", passes_}};
  return out;
}

object scripted_qemu::parameters() const {
  object out{{"max-bandwidth", bandwidth_}, {"downtime-limit", downtime_ms_}};
  if (!before_10()) out["zero-page-detection"] = zero_page_detection_;
  return out;
}

}  // namespace unwedge::policies::fake
