// The part of a watcher that talks with the monitor: session observer, queries, identity.
#include "daemon/evidence/qemu_processes.hpp"
#include "daemon/watch/vm_watcher.hpp"
#include "qmp/commands.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace unwedge::watch {
namespace {

using policies::query;

constexpr std::size_t wanted_limit = 32;
/// A QEMU accepts within milliseconds; one that hangs does not at all.
constexpr int owner_looks = 5;
constexpr std::chrono::milliseconds between_owner_looks{100};

policies::instant now() {
  return std::chrono::steady_clock::now();
}

qmp::command command_of(query q) {
  switch (q) {
    case query::status:
      return qmp::query_status();
    case query::name:
      return qmp::query_name();
    case query::uuid:
      return qmp::query_uuid();
    case query::jobs:
      return qmp::query_jobs();
    case query::block_jobs:
      return qmp::query_block_jobs();
    case query::migrate:
      return qmp::query_migrate();
    case query::migrate_capabilities:
      return {"query-migrate-capabilities"};
    case query::migrate_parameters:
      return {"query-migrate-parameters"};
    case query::chardevs:
      return {"query-chardev"};
    case query::block_nodes:
      return qmp::query_named_block_nodes();
    case query::block_graph:
      return qmp::query_block_graph();
    case query::yank:
      return qmp::query_yank();
  }
  return qmp::query_status();
}

asio::awaitable<std::unique_ptr<evidence::process>> owner_of(int socket_fd) {
  auto found = evidence::owner_of_other_end(socket_fd);
  co_return found ? std::make_unique<evidence::process>(std::move(*found)) : nullptr;
}

std::string summary(const policies::vm_model& vm, const evidence::process* process) {
  return fmt::format("QEMU {}, {}{}", to_string(vm.monitor.version),
                     process != nullptr ? fmt::format("pid {}", process->pid()) : "process unknown",
                     vm.monitor.oob ? ", out-of-band" : ", in-band only");
}

}  // namespace

asio::awaitable<void> vm_watcher::serve(qmp::socket connection) {
  const auto self = shared_from_this();
  const bool known = co_await identify(connection.native_handle());
  if (!known || stopping_) co_return;  // after stop() nobody would end the session
  if (!owner_.claim(*this)) {
    forget_vm();
    vm_.monitor.problem = "its process is watched through another socket already";
    co_return;
  }
  vm_.monitor.connected = true;
  session_ = std::make_shared<qmp::session>(std::move(connection), shared_.scratch,
                                            static_cast<qmp::session_observer&>(*this));
  const auto why = co_await qmp::run(session_);
  session_ended(why);
}

/// The process at the other end. Only a QEMU counts. libvirt opens the monitor's socket itself and passes it
/// on: then the peer is libvirtd, and the QEMU is whoever has accepted the connection.
asio::awaitable<bool> vm_watcher::identify(int socket_fd) {
  auto peer = evidence::process::peer_of(socket_fd);
  const bool passed_on = peer && !peer->is_qemu();
  for (int looks = 0; passed_on && looks < owner_looks; ++looks) {
    auto owner = co_await asio::co_spawn(shared_.evidence_pool, owner_of(socket_fd), uncancelled());
    if (owner) peer = std::move(*owner);
    if (owner || stopping_) break;
    retry_.expires_after(between_owner_looks);
    co_await retry_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  if (!peer && process_ && process_->alive()) {  // out of descriptors, say: unknown is not another
    vm_.monitor.problem = peer.error();
    co_return false;
  }
  if (!peer || !peer->is_qemu()) {
    forget_vm();  // whether it is the VM of the last session nobody can tell
    spdlog::info("{}: {}; watched by QMP alone", name_,
                 peer ? fmt::format("the peer, pid {}, is no QEMU", peer->pid()) : peer.error());
    co_return true;
  }
  const bool same =
      process_ && process_->pid() == peer->pid() && process_->start_time() == peer->start_time();
  if (!same) {
    if (process_ && !gone_ && !process_->alive()) process_gone(now());
    decide(now());
    forget_vm();
    take_process(std::move(*peer));
  }
  co_return true;
}

void vm_watcher::take_process(evidence::process of) {
  process_ = std::make_shared<const evidence::process>(std::move(of));
  if ((saved_precautions_ = shared_.precautions.find(*process_))) engine_.remember(*saved_precautions_);
}

/// Another process stands behind the monitor now: nothing of the old one is true any more.
void vm_watcher::forget_vm() {
  while (!records_.empty())
    carry_out(std::string(records_.begin()->first), policies::close_incident{"failed"});
  vm_ = {};
  history_ = {};
  io_ = {};
  suspicion_ = {};
  pulse_ = {};
  engine_ = {};
  saved_precautions_.reset();
  verdict_.reset();
  signatures_.clear();
  traces_ = {};
  undisturbed_until_ = {};
  process_.reset();
  gone_ = false;
}

void vm_watcher::on_greeting() {
  pulse_ = {};  // from now on the monitor tells
  vm_.quiet_since.reset();
  vm_.monitor.waiting_since = now();
  wake_soon();
}

void vm_watcher::on_ready(const qmp::greeting& hello, bool oob) {
  auto& m = vm_.monitor;
  m.ready = true;
  m.oob = oob;
  m.version = hello.version;
  m.problem.clear();
  m.last_reply = now();
  m.waiting_since.reset();
  vm_.shut_down = false;
  synced_ = false;
  for (const auto q : policies::resync_queries()) {
    if (q != query::yank || oob) wanted_.push_back(q);
  }
  shared_.hub.publish("connected", name_, summary(vm_, process_.get()));
  spdlog::info("{}: connected to {}", name_, summary(vm_, process_.get()));
  // No command may be sent from within the negotiation's own reply: the next tick asks.
  next_probe_ = now();
  wake_soon();
}

void vm_watcher::on_event(const qmp::event& e) {
  if (shared_.meter.event_received) shared_.meter.event_received();
  const auto unknown = policies::apply_event(vm_, e, now());
  if (unknown.any()) want(unknown);
  note_risk();
}

/// A job or a migration has begun, or is over. The guard of a switchover has milliseconds.
void vm_watcher::note_risk() {
  const bool risk = policies::at_risk(vm_);
  if (risk && !was_at_risk_) next_probe_ = next_sample_ = now();
  if (migrates() && !was_migrating_) next_sample_ = now();  // are the targets of its mirrors alive?
  if (risk || was_at_risk_) wake_soon();
  was_at_risk_ = risk;
  was_migrating_ = migrates();
}

void vm_watcher::on_reply(qmp::command_id id, const qmp::reply& r) {
  const auto at = now();
  const auto found = std::ranges::find(pending_, id, &pending_query::id);
  if (found == pending_.end()) {  // of an execute(): its caller has it
    if (!session_->in_band_outstanding() && vm_.monitor.waiting_since) {
      vm_.monitor.last_reply = at;
      vm_.monitor.waiting_since.reset();
    }
    ask_next();
    return;
  }
  const auto query = *found;
  pending_.erase(found);
  if (query.out_of_band) {
    vm_.monitor.last_oob_reply = at;
  } else {
    vm_.monitor.last_reply = at;
    vm_.monitor.waiting_since.reset();
    vm_.monitor.last_round_trip = std::chrono::duration_cast<std::chrono::microseconds>(at - query.sent);
    if (shared_.meter.probe_answered) shared_.meter.probe_answered(vm_.monitor.last_round_trip);
  }
  if (r) policies::apply_reply(vm_, query.what, **r, at);
  if (migrates() != was_migrating_ || policies::at_risk(vm_) != was_at_risk_) {  // no event said so
    want({.settings = migrates()});
    note_risk();
  }
  if (r && query.what == query::name && where_.fixed_name.empty() && !vm_.guest_name.empty())
    owner_.named(*this);
  // Once for each query-migrate: a monitor that never says it is not asked without end.
  const bool told = query.what == policies::query::migrate && migrates();
  if (told && !vm_.migration->postcopy_enabled) {
    wanted_.push_back(query::migrate_capabilities);
  }
  ask_next();
  synced_ = synced_ || (wanted_.empty() && pending_.empty());
  if (suspicion_.active() && !query.out_of_band) review(at);
  // The last answer that was missing: the engine may have an incident to close.
  if ((engine_.on_watch() || policies::at_risk(vm_)) && wanted_.empty() && !query.out_of_band) wake_soon();
}

void vm_watcher::session_ended(const qmp::error& why) {
  const bool was_ready = vm_.monitor.ready;
  session_.reset();
  pending_.clear();
  wanted_.clear();
  synced_ = false;
  vm_.monitor.connected = vm_.monitor.ready = vm_.monitor.oob = false;
  vm_.monitor.waiting_since.reset();
  vm_.monitor.problem = to_string(why);
  note_state();
  if (shared_.meter.protocol_error && why.code != qmp::errc::closed && why.code != qmp::errc::cancelled) {
    shared_.meter.protocol_error(to_string(why.code));
  }
  if (was_ready) history_.note(std::chrono::system_clock::now(), "disconnected: " + to_string(why));
  if (stopping_) return;
  if (was_ready || why.code != qmp::errc::no_greeting) {
    shared_.hub.publish("disconnected", name_, to_string(why));
    spdlog::log(why.code == qmp::errc::closed ? spdlog::level::info : spdlog::level::warn,
                "{}: disconnected: {}", name_, to_string(why));
  }
  wake_soon();
}

void vm_watcher::want(policies::refresh r) {
  const auto add = [&](bool wanted, query q) {
    if (wanted && wanted_.size() < wanted_limit && std::ranges::find(wanted_, q) == wanted_.end())
      wanted_.push_back(q);
  };
  if (r.settings) {  // first: a migration that begins does not wait
    std::erase(wanted_, query::migrate_parameters);
    wanted_.insert(wanted_.begin(), query::migrate_parameters);
    add(true, query::migrate_capabilities);
    add(true, query::chardevs);
  }
  add(r.status, query::status);
  add(r.migration, query::migrate);
  add(r.jobs, query::jobs);
  add(r.jobs, query::block_jobs);
  // The queries of the block layer do I/O in QEMU: only while it is well.
  add(r.nodes && !suspicion_.active(), query::block_nodes);
  add(r.nodes && !suspicion_.active(), query::block_graph);
  add(r.nodes && !suspicion_.active() && vm_.monitor.oob, query::yank);
  ask_next();
}

void vm_watcher::ask_next() {
  if (wanted_.empty() || !session_ || !session_->is_ready()) return;
  if (wanted_.front() != query::yank && session_->in_band_outstanding()) return;
  const auto q = wanted_.front();
  wanted_.erase(wanted_.begin());
  if (wanted_.empty()) wanted_ = {};  // an idle VM keeps no memory for it
  ask(q);
}

void vm_watcher::ask(query q) {
  const auto command = command_of(q);
  const auto id = session_->post(command);
  if (!id) {
    spdlog::debug("{}: {}", name_, to_string(id.error()));
    return;
  }
  pending_.push_back({*id, q, now(), command.out_of_band});
  if (!command.out_of_band && !vm_.monitor.waiting_since) vm_.monitor.waiting_since = now();
}

}  // namespace unwedge::watch
