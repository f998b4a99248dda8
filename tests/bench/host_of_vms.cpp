#include "tests/bench/host_of_vms.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace unwedge::bench {
namespace {

using namespace std::chrono_literals;
using policies::instant;

constexpr std::string_view nbd_server = "10.0.0.7:10809";
constexpr std::array disks{"drive-scsi0", "drive-scsi1"};
constexpr std::int64_t disk_bytes = std::int64_t{64} << 30;

bool copies(vm_kind kind) {
  return kind != vm_kind::idle;
}

void add_disks(policies::vm_model& vm) {
  for (const std::string disk : disks) {
    vm.nodes[disk] = {.driver = "qcow2", .peer = "", .target_of = {}};
    vm.nodes[disk + "-storage"] = {.driver = "file", .peer = "", .target_of = {}};
  }
}

void add_mirrors(policies::vm_model& vm, instant now) {
  for (const std::string disk : disks) {
    const auto job = "mirror-" + disk;
    const auto target = "target-" + disk;
    vm.nodes[target] = {.driver = "raw", .peer = "", .job_target = true, .target_of = {job}};
    vm.nodes[target + "-nbd"] = {
        .driver = "nbd", .peer = std::string(nbd_server), .job_target = true, .target_of = {job}};
    vm.yankable.block_nodes.push_back(target + "-nbd");
    vm.jobs[job] = {.type = "mirror",
                    .status = "running",
                    .offset = 0,
                    .len = disk_bytes,
                    .io_status = "ok",
                    .error = "",
                    .target = target + "-nbd",
                    .progressed = now,
                    .since = now};
  }
}

void add_migration(policies::vm_model& vm, std::string status, instant began) {
  policies::migration_state m;
  m.status = std::move(status);
  m.postcopy_enabled = false;
  m.since = m.began = m.best_at = began;
  m.remaining = m.best_remaining = std::int64_t{3} << 30;
  m.iterations = m.best_iteration = 1;
  vm.migration = m;
  vm.migrates_with.parameters_at = began;
}

/// The NBD connections of the mirrors, with bytes that the server has not taken yet.
policies::process_facts sample(instant now, bool moves) {
  policies::process_facts facts;
  facts.at = now;
  facts.alive = true;
  for (int i = 0; i < std::ssize(disks); ++i) {
    policies::socket_facts s{.fd = 20 + i,
                             .inode = 9'000 + static_cast<std::uint64_t>(i),
                             .kind = policies::socket_facts::family::tcp};
    s.local = "10.0.0.1:49152";
    s.peer = nbd_server;
    s.peer_tcp_established = true;
    s.send_queue = 4'194'304;
    s.bytes_acked = moves ? static_cast<std::uint64_t>(now.time_since_epoch().count()) : 1;
    facts.sockets.push_back(std::move(s));
  }
  return facts;
}

}  // namespace

/// An idle VM is probed once a second, one at risk four times. A tick asks, and while there is risk the reply
/// makes another; a sample has three looks: when it begins, when it is there, and the tick that it wakes.
/// Idle it comes once a minute, beside a job once a second, beside a migration as well four times a second.
/// Of events one a second is assumed for the jobs, with a look for it and for each reply to the two queries
/// it calls for, and one for the passes of a migration; they are rarer.
int looks_a_minute(vm_kind kind) {
  constexpr int probes = 60, of_sample = 3, job_events = 60 * 3, passes = 60;
  switch (kind) {
    case vm_kind::idle:
      return probes + of_sample;
    case vm_kind::mirroring:
    case vm_kind::stuck:
      return 4 * probes * 2 + 60 * of_sample + job_events;
    case vm_kind::migrating:
      return 4 * probes * 2 + 240 * of_sample + job_events + passes;
  }
  return 0;
}

modelled_vm make_vm(vm_kind kind, std::size_t index, instant now) {
  modelled_vm made{.kind = kind,
                   .name = fmt::format("web{:04}", index),
                   .allowed = index % 2 == 0 ? policies::authority::protect : policies::authority::observe,
                   .model = {},
                   .io = {},
                   .engine = {}};
  auto& vm = made.model;
  vm.guest_name = made.name;
  vm.uuid = fmt::format("4dea22b3-1d52-d8f3-2516-782e98ab{:04}", index);
  vm.run_state = "running";
  vm.monitor.connected = vm.monitor.ready = vm.monitor.oob = true;
  vm.monitor.last_reply = now;
  vm.migrates_with = {.events = true,
                      .pause_before_switchover = false,
                      .max_bandwidth = 134'217'728,
                      .downtime_limit = 300,
                      .zero_page_detection = "multifd"};
  add_disks(vm);
  if (copies(kind)) add_mirrors(vm, kind == vm_kind::stuck ? now - 60s : now);
  if (kind == vm_kind::stuck) made.io.add(sample(now - 60s, false), vm);
  if (kind == vm_kind::migrating)
    add_migration(vm, "active", now - 60s);
  else
    add_migration(vm, "completed", now - 24h);
  return made;
}

void live_on(modelled_vm& made, instant now) {
  made.model.monitor.last_reply = now;
  if (!copies(made.kind)) return;
  const bool moves = made.kind != vm_kind::stuck;
  made.io.add(sample(now, moves), made.model);
  if (!moves) return;
  for (auto& [id, job] : made.model.jobs) {
    job.offset += 100 << 20;
    job.progressed = now;
  }
}

void carry_out(modelled_vm& made, const std::vector<policies::decision>& decisions, instant now,
               policies::step_budget& of_host) {
  for (const auto& d : decisions) {
    if (std::holds_alternative<policies::take_step>(d.what))
      made.engine.step_done(d.run, policies::step_outcome::done, now, of_host);
    if (const auto* p = std::get_if<policies::set_precaution>(&d.what)) {
      made.engine.precaution_done(p->step, true, now);
      made.model.migrates_with.pause_before_switchover = true;
    }
  }
}

}  // namespace unwedge::bench
