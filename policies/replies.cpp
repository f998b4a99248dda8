// What the model takes from the replies to its queries (qapi/{run-state,block-core,job,migration,yank}.json).
#include "policies/block_graph.hpp"
#include "policies/nbd_address.hpp"
#include "policies/vm_model.hpp"
#include "qmp/json_fields.hpp"

#include <algorithm>
#include <set>

namespace unwedge::policies {
namespace {

using qmp::number;
using qmp::text;

using qmp::json::array;
using qmp::json::object;

constexpr std::size_t max_jobs = 256;
constexpr std::size_t max_nodes = 4'096;
constexpr std::size_t text_bytes = 256;

std::string kept(std::string_view s) {
  return std::string(s.substr(0, text_bytes));
}

void apply_progress(job_state& job, std::int64_t offset, std::string_view status, instant now) {
  if (offset != job.offset || status != job.status || job.progressed == instant{}) job.progressed = now;
  if (status != job.status || job.since == instant{}) job.since = now;
  job.offset = offset;
  job.status = kept(status);
}

/// A job that has gone, or has begun to end, without an event that said so.
void forget_ended_targets(vm_model& vm) {
  std::set<std::string, std::less<>> ended;
  for (const auto& [name, node] : vm.nodes) {
    for (const auto& id : node.target_of) {
      const auto job = vm.jobs.find(id);
      if (job == vm.jobs.end() || !still_copies(job->second.status)) ended.insert(id);
    }
  }
  for (const auto& id : ended) forget_targets_of(vm, id);
}

void apply_jobs(vm_model& vm, const array& list, instant now) {
  std::set<std::string, std::less<>> seen;
  for (const auto& entry : list) {
    const auto* o = entry.if_object();
    if (o == nullptr || seen.size() >= max_jobs) continue;
    const auto id = kept(text(*o, "id"));
    if (id.empty()) continue;
    auto& job = vm.jobs.try_emplace(id, job_state{.appeared = now}).first->second;
    job.type = kept(text(*o, "type"));
    job.len = number(*o, "total-progress").value_or(job.len);
    job.error = kept(text(*o, "error"));
    apply_progress(job, number(*o, "current-progress").value_or(0), text(*o, "status"), now);
    seen.insert(id);
  }
  for (const auto& [id, job] : vm.jobs) {
    const bool vanished = !seen.contains(id) && job.type == "mirror" && !vm.ended_copies.contains(id);
    if (vanished) note_copy_end(vm, id, {.error = "its end was not seen", .at = now});
    // Another one of that name than the one that ended.
    if (seen.contains(id) && still_copies(job.status) && job.status != "aborting") vm.ended_copies.erase(id);
  }
  std::erase_if(vm.jobs, [&](const auto& j) { return !seen.contains(j.first); });
  forget_ended_targets(vm);
}

void apply_block_jobs(vm_model& vm, const array& list, instant now) {
  for (const auto& entry : list) {
    const auto* o = entry.if_object();
    if (o == nullptr) continue;
    const auto found = vm.jobs.find(text(*o, "device"));
    if (found == vm.jobs.end()) continue;
    auto& job = found->second;
    job.io_status = kept(text(*o, "io-status"));
    const auto* busy = o->if_contains("busy");
    job.busy = busy != nullptr && busy->is_bool() && busy->get_bool();
    job.len = number(*o, "len").value_or(job.len);
    apply_progress(job, number(*o, "offset").value_or(0), text(*o, "status"), now);
  }
  forget_ended_targets(vm);
}

migration_state with_status(std::string_view status) {
  migration_state m;
  m.status = kept(status);
  return m;
}

void apply_ram(migration_state& m, const object& ram, instant now) {
  const auto before = m;
  m.transferred = number(ram, "transferred");
  m.remaining = number(ram, "remaining");
  m.total = number(ram, "total");
  m.iterations = number(ram, "dirty-sync-count");
  if (m.transferred != before.transferred || m.moved_at == instant{}) m.moved_at = now;
  const bool new_pass = m.iterations != before.iterations;
  const bool better = new_pass ? !m.best_remaining || m.remaining < m.best_remaining
                               : m.iterations.value_or(0) <= 1 && m.remaining < before.remaining;
  if (!m.remaining || !better) return;
  if (new_pass) m.best_remaining = m.remaining;
  m.best_iteration = m.iterations.value_or(0);
  m.best_at = now;
}

void apply_migrate(vm_model& vm, const object& o, instant now) {
  const auto status = text(o, "status");
  if (status.empty() && !vm.migration) return;
  if (!vm.migration || (!is_running(*vm.migration) && is_running(with_status(status)))) {
    vm.migration = migration_state{};
    vm.migration->began = vm.migration->best_at = now;
  }
  auto& m = *vm.migration;
  if (m.status != status) m.since = now;
  m.status = kept(status);
  if (const auto* ram = qmp::object_at(o, "ram")) apply_ram(m, *ram, now);
}

void apply_capabilities(vm_model& vm, const array& list, instant now) {
  vm.migrates_with.capabilities_at = now;
  for (const auto& entry : list) {
    const auto* o = entry.if_object();
    const auto* on = o != nullptr ? o->if_contains("state") : nullptr;
    if (on == nullptr || !on->is_bool()) continue;
    const auto name = text(*o, "capability");
    if (name == "postcopy-ram" && vm.migration) vm.migration->postcopy_enabled = on->get_bool();
    if (name == "events") vm.migrates_with.events = on->get_bool();
    if (name == "pause-before-switchover") vm.migrates_with.pause_before_switchover = on->get_bool();
  }
}

void apply_parameters(vm_model& vm, const object& o, instant now) {
  vm.migrates_with.parameters_at = now;
  vm.migrates_with.max_bandwidth = number(o, "max-bandwidth");
  vm.migrates_with.downtime_limit = number(o, "downtime-limit");
  vm.migrates_with.zero_page_detection = kept(text(o, "zero-page-detection"));
}

void apply_set_parameters(vm_model& vm, const object& o, instant now) {
  auto& m = vm.migrates_with;
  m.parameters_at = now;
  if (const auto v = number(o, "max-bandwidth")) m.max_bandwidth = v;
  if (const auto v = number(o, "downtime-limit")) m.downtime_limit = v;
  if (const auto v = text(o, "zero-page-detection"); !v.empty()) m.zero_page_detection = kept(v);
}

/// "unix:PATH,server=on", "tcp:HOST:PORT,server=on <-> HOST:PORT"; before that "disconnected:" while nobody
/// is at the other end (qemu_chr_compute_filename in chardev/char-socket.c).
std::optional<chardev> socket_chardev(std::string_view filename) {
  constexpr std::string_view none = "disconnected:", to = " <-> ";
  if (filename.starts_with(none)) filename.remove_prefix(none.size());
  const bool unix_socket = filename.starts_with("unix:");
  if (!unix_socket && !filename.starts_with("tcp:") && !filename.starts_with("telnet:")) return std::nullopt;
  filename.remove_prefix(filename.find(':') + 1);
  chardev out;
  if (const auto at = filename.find(to); at != filename.npos) {
    out.peer = kept(filename.substr(at + to.size()));
    filename = filename.substr(0, at);
  }
  if (const auto options = filename.rfind(",server="); options != filename.npos)
    filename = filename.substr(0, options);
  out.local = kept(filename);
  return out;
}

/// libvirt calls its monitor's chardev so; "disconnected:" says that nobody is at the other end.
void apply_chardevs(vm_model& vm, const array& list) {
  constexpr std::size_t max_chardevs = 256;
  vm.chardevs.clear();
  for (const auto& entry : list) {
    const auto* o = entry.if_object();
    if (o == nullptr || vm.chardevs.size() >= max_chardevs) continue;
    if (auto c = socket_chardev(text(*o, "filename"))) vm.chardevs[kept(text(*o, "label"))] = std::move(*c);
  }
  vm.libvirt = std::ranges::any_of(list, [](const auto& entry) {
    const auto* o = entry.if_object();
    return o != nullptr && text(*o, "label") == "charmonitor" &&
           !text(*o, "filename").starts_with("disconnected:");
  });
}

void apply_nodes(vm_model& vm, const array& list) {
  std::map<std::string, block_node, std::less<>> nodes;
  for (const auto& entry : list) {
    const auto* o = entry.if_object();
    if (o == nullptr || nodes.size() >= max_nodes) continue;
    const auto name = text(*o, "node-name");
    const auto driver = text(*o, "drv");
    if (name.empty()) continue;
    const auto before = vm.nodes.find(name);
    block_node node{.driver = kept(driver), .server = driver == "nbd" ? nbd_peer(text(*o, "file")) : ""};
    node.peer = node.server;
    if (before != vm.nodes.end()) {
      node.job_target = before->second.job_target;
      node.of_guest = before->second.of_guest;
      node.target_of = before->second.target_of;
      if (before->second.server == node.server) node.peer = before->second.peer;
    }
    nodes[kept(name)] = std::move(node);
  }
  vm.nodes = std::move(nodes);
}

void apply_yank(vm_model& vm, const array& list) {
  yank_instances seen;
  for (const auto& entry : list) {
    const auto* o = entry.if_object();
    if (o == nullptr) continue;
    const auto type = text(*o, "type");
    if (type == "migration") seen.migration = true;
    if (type == "block-node" && seen.block_nodes.size() < max_nodes) {
      seen.block_nodes.push_back(kept(text(*o, "node-name")));
    }
  }
  vm.yankable = std::move(seen);
}

}  // namespace

void apply_accepted(vm_model& vm, std::string_view command, const object& arguments, instant now) {
  const auto* list = qmp::array_at(arguments, "capabilities");
  if (command == "migrate-set-capabilities" && list != nullptr) apply_capabilities(vm, *list, now);
  if (command == "migrate-set-parameters") apply_set_parameters(vm, arguments, now);
}

void apply_reply(vm_model& vm, query q, const qmp::json::value& result, instant now) {
  const auto* o = result.if_object();
  const auto* list = result.if_array();
  switch (q) {
    case query::status:
      if (o != nullptr && !text(*o, "status").empty()) vm.run_state = kept(text(*o, "status"));
      break;
    case query::name:
      if (o != nullptr) vm.guest_name = kept(text(*o, "name"));
      break;
    case query::uuid:
      if (o != nullptr) vm.uuid = kept(text(*o, "UUID"));
      break;
    case query::jobs:
      if (list != nullptr) apply_jobs(vm, *list, now);
      break;
    case query::block_jobs:
      if (list != nullptr) apply_block_jobs(vm, *list, now);
      break;
    case query::migrate:
      if (o != nullptr) apply_migrate(vm, *o, now);
      break;
    case query::migrate_capabilities:
      if (list != nullptr) apply_capabilities(vm, *list, now);
      break;
    case query::migrate_parameters:
      if (o != nullptr) apply_parameters(vm, *o, now);
      break;
    case query::chardevs:
      if (list != nullptr) apply_chardevs(vm, *list);
      break;
    case query::block_nodes:
      if (list != nullptr) apply_nodes(vm, *list);
      break;
    case query::block_graph:
      if (o != nullptr) apply_block_graph(vm, *o);
      break;
    case query::yank:
      if (list != nullptr) apply_yank(vm, *list);
      break;
  }
}

}  // namespace unwedge::policies
