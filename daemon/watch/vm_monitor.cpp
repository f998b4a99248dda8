#include "daemon/watch/vm_monitor.hpp"

#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace unwedge::watch {
namespace {

using policies::query;

constexpr std::size_t wanted_limit = 32;

policies::instant now() {
  return std::chrono::steady_clock::now();
}

/// It may wait for the block layer.
bool asks_block_layer(query q) {
  return q == query::block_jobs || q == query::block_nodes || q == query::block_graph;
}

std::chrono::system_clock::time_point wall_now() {
  return std::chrono::system_clock::now();
}

}  // namespace

asio::awaitable<vm_monitor::end> vm_monitor::talk(qmp::socket connection) {
  vm_.model.monitor.connected = true;
  session_ = std::make_shared<qmp::session>(std::move(connection), vm_.shared.scratch,
                                            static_cast<qmp::session_observer&>(*this));
  const auto why = co_await qmp::run(session_);
  const bool was_ready = vm_.model.monitor.ready;
  ended(why, was_ready);
  co_return end{why, was_ready};
}

void vm_monitor::close() {
  if (session_) session_->close();
}

void vm_monitor::probe(bool in_doubt) {
  if (!is_ready()) return;
  if (!session_->in_band_outstanding()) {
    const auto next = policies::next_probe(vm_.model, probes_++);
    ask(may_ask(next) ? next : query::status);
  }
  const bool oob_asked = std::ranges::any_of(pending_, &pending_query::out_of_band);
  if (in_doubt && session_->is_ready() && session_->oob() && !oob_asked) ask(query::yank);
}

void vm_monitor::on_sent(qmp::command_id id, const qmp::command& c) {
  history_.sent(wall_now(), id, c);
}

void vm_monitor::on_received(std::string_view raw, std::optional<qmp::command_id> answers) {
  history_.received(wall_now(), raw, answers);
}

void vm_monitor::on_greeting() {
  vm_.model.monitor.waiting_since = now();
  to_.greeted();
}

void vm_monitor::on_ready(const qmp::greeting& hello, bool oob) {
  auto& m = vm_.model.monitor;
  m.ready = true;
  m.oob = oob;
  m.version = hello.version;
  m.problem.clear();
  m.last_reply = now();
  m.waiting_since.reset();
  vm_.model.shut_down = false;
  synced_ = false;
  for (const auto q : policies::resync_queries()) {
    if (q != query::yank || oob) wanted_.push_back(q);
  }
  to_.ready();
}

void vm_monitor::on_event(const qmp::event& e) {
  to_.happened(e);
}

void vm_monitor::note_reply(const pending_query& query, policies::instant at) {
  auto& m = vm_.model.monitor;
  if (query.out_of_band) {
    m.last_oob_reply = at;
    return;
  }
  m.last_reply = at;
  m.waiting_since.reset();
  m.last_round_trip = std::chrono::duration_cast<std::chrono::microseconds>(at - query.sent);
  if (vm_.shared.meter.probe_answered) vm_.shared.meter.probe_answered(m.last_round_trip);
}

void vm_monitor::on_reply(qmp::command_id id, const qmp::reply& r) {
  const auto at = now();
  const auto found = std::ranges::find(pending_, id, &pending_query::id);
  if (found == pending_.end()) {  // of an execute(): its caller has it
    auto& m = vm_.model.monitor;
    if (!session_->in_band_outstanding() && m.waiting_since) {
      m.last_reply = at;
      m.waiting_since.reset();
    }
    ask_next();
    return;
  }
  const auto answered = *found;
  pending_.erase(found);
  note_reply(answered, at);
  if (r) policies::apply_reply(vm_.model, answered.what, **r, at);
  to_.answered(answered.what, r.has_value());
  // Once for each query-migrate: a monitor that never says it is not asked without end.
  const bool told = answered.what == query::migrate && vm_.migrates();
  if (told && !vm_.model.migration->postcopy_enabled) wanted_.push_back(query::migrate_capabilities);
  ask_next();
  synced_ = synced_ || (wanted_.empty() && pending_.empty());
  to_.went_on(at, answered.out_of_band);
}

void vm_monitor::ended(const qmp::error& why, bool was_ready) {
  auto& m = vm_.model.monitor;
  session_.reset();
  pending_.clear();
  wanted_.clear();
  synced_ = false;
  m.connected = m.ready = m.oob = false;
  m.waiting_since.reset();
  m.problem = to_string(why);
  if (was_ready) history_.note(wall_now(), "disconnected: " + to_string(why));
}

void vm_monitor::want(policies::refresh r) {
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
  add(r.nodes, query::block_nodes);
  add(r.nodes, query::block_graph);
  add(r.nodes && vm_.model.monitor.oob, query::yank);
  ask_next();
}

/// While its BQL is lent away QEMU is in the middle of a drain: what would wait for that is put off.
bool vm_monitor::may_ask(query q) const {
  return !vm_.lent || !asks_block_layer(q);
}

void vm_monitor::ask_next() {
  if (!is_ready()) return;
  const auto next = std::ranges::find_if(wanted_, [this](query q) { return may_ask(q); });
  if (next == wanted_.end() || (*next != query::yank && session_->in_band_outstanding())) return;
  const auto q = *next;
  wanted_.erase(next);
  if (wanted_.empty()) wanted_ = {};  // an idle VM keeps no memory for it
  ask(q);
}

void vm_monitor::ask(query q) {
  const auto command = command_of(q);
  const auto id = session_->post(command);
  if (!id) {
    spdlog::debug("{}: {}", vm_.name, to_string(id.error()));
    return;
  }
  pending_.push_back({*id, q, now(), command.out_of_band});
  if (!command.out_of_band && !vm_.model.monitor.waiting_since) vm_.model.monitor.waiting_since = now();
}

}  // namespace unwedge::watch
