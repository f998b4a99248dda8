#include "simulated_daemon.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace unwedge::policies::fake {
namespace {

using std::chrono::milliseconds;

constexpr probe_settings probing{};
constexpr int risk_factor = 4;

bool migrates(const vm_model& vm) {
  return vm.migration && is_running(*vm.migration);
}

qmp::version version_of(release r) {
  if (r == release::qemu_10_0) return {.major = 10, .minor = 0, .micro = 2};
  return r == release::qemu_7_2 ? qmp::version{.major = 7, .minor = 2, .micro = 22}
                                : qmp::version{.major = 5, .minor = 2};
}

}  // namespace

simulated_daemon::simulated_daemon(surroundings& around, instant now) : around_(around) {
  vm_.monitor.connected = true;
  vm_.monitor.waiting_since = now;
  next_probe_ = next_sample_ = due_ = now;
  if (around.precautions) engine_.remember(*around.precautions);
  for (const auto& [run, kept] : around.disk) {
    record so_far{.on_record = kept.steps.size()};
    for (const auto& s : kept.steps) {
      if (!s.result.empty() && s.result != "done" && !s.result.starts_with("failed")) continue;
      if (s.result.empty()) so_far.unknown.push_back(s.step);
      so_far.begun.push_back(s.step);
    }
    const auto by = std::ranges::find(around.policies, kept.policy, &policy::name);
    if (by != around.policies.end()) engine_.resume(*by, kept.subject, so_far);
  }
}

void simulated_daemon::connect(instant now) {
  auto& m = vm_.monitor;
  m.ready = true;
  m.oob = around_.qemu.has_oob();
  m.version = version_of(around_.qemu.release());
  m.last_reply = now;
  m.waiting_since.reset();
  synced_ = false;
  for (const auto q : resync_queries()) {
    if (q != query::yank || m.oob) wanted_.push_back(q);
  }
  next_probe_ = now;
  wake(now);
}

void simulated_daemon::hears(const scripted_event& e, instant now) {
  if (!vm_.monitor.ready) return;
  const auto raw = boost::json::serialize(e.data);
  const auto unknown = apply_event(vm_, {.name = e.name, .data = e.data, .raw = raw}, now);
  if (unknown.any()) want(unknown);
  note_risk(now);
}

void simulated_daemon::note_risk(instant now) {
  const bool risk = at_risk(vm_);
  if (risk && !was_at_risk_) next_probe_ = next_sample_ = now;
  if (migrates(vm_) && !was_migrating_) next_sample_ = now;
  if (risk || was_at_risk_) wake(now);
  was_at_risk_ = risk;
  was_migrating_ = migrates(vm_);
}

void simulated_daemon::slot(instant now) {
  if (!vm_.monitor.ready && vm_.monitor.connected && around_.qemu.answers_in_band()) connect(now);
  if (!around_.qemu.alive() && vm_.monitor.connected) {  // the session ends with the process
    vm_.monitor.connected = vm_.monitor.ready = vm_.monitor.oob = false;
    vm_.monitor.waiting_since.reset();
    wanted_.clear();
    sent_.clear();
    synced_ = false;
    wake(now);
  }
  take_replies(now);
  if (to_take_back_) return take_back(now);
  if (!dead_) perform(now);
  if (!dead_ && now >= due_) tick(now);
}

void simulated_daemon::tick(instant now) {
  const bool doubt = !vm_.monitor.ready || suspicion_.active() || engine_.incident_open();
  if (doubt && !gone_ && !around_.qemu.alive()) end_of_process(now);
  if (now >= next_probe_) probe(now);
  review(now);
  const auto sample_at = suspicion_.active() ? suspicion_.next_sample_at() : next_sample_;
  if (!gone_ && !engine_.acting() && now >= sample_at) {
    sample(now);
    next_sample_ = now + between_samples();
  }
  decide(now);
  due_ = next_wake(now);
}

void simulated_daemon::review(instant now) {
  if (gone_) return;
  const bool before = suspicion_.active();
  suspicion_.update(vm_, now, probing);
  if (suspicion_.active() || !before) return;
  verdict_.reset();
  if (vm_.monitor.ready) want({.status = true, .jobs = true, .migration = true});
}

void simulated_daemon::probe(instant now) {
  const duration interval = probing.interval / (at_risk(vm_) ? risk_factor : 1);
  const auto grid = std::min<duration>(milliseconds(50), interval / 4);
  const auto due = (now + interval).time_since_epoch();
  next_probe_ = instant(due - due % grid);
  if (!vm_.monitor.ready) return;
  if (!in_band_outstanding()) ask(next_probe(vm_, probes_++), now);
  if (suspicion_.active() && vm_.monitor.oob && around_.qemu.answers_out_of_band())
    apply_reply(vm_, query::yank, around_.qemu.document(query::yank), now);
}

instant simulated_daemon::next_wake(instant now) const {
  auto wake = next_probe_;
  if (!gone_ && !engine_.acting())
    wake = std::min(wake, suspicion_.active() ? suspicion_.next_sample_at() : next_sample_);
  if (!suspicion_.active() && vm_.monitor.waiting_since)
    wake = std::min(wake, *vm_.monitor.waiting_since + probing.late_after);
  return std::max(wake, now + milliseconds(1));
}

void simulated_daemon::end_of_process(instant now) {
  gone_ = true;
  verdict_ =
      verdict{.kind = verdict_kind::gone, .since = now, .at = now, .reasons = {"The process has ended."}};
}

void simulated_daemon::want(refresh r) {
  const auto add = [&](bool wanted, query q) {
    if (wanted && std::ranges::find(wanted_, q) == wanted_.end()) wanted_.push_back(q);
  };
  if (r.settings) {
    std::erase(wanted_, query::migrate_parameters);
    wanted_.insert(wanted_.begin(), query::migrate_parameters);
    add(true, query::migrate_capabilities);
    add(true, query::chardevs);
  }
  add(r.status, query::status);
  add(r.migration, query::migrate);
  add(r.jobs, query::jobs);
  add(r.jobs, query::block_jobs);
  const bool well = r.nodes && !suspicion_.active();
  add(well, query::block_nodes);
  add(well, query::block_graph);
  add(well && vm_.monitor.oob, query::yank);
}

void simulated_daemon::ask_next(instant now) {
  while (!wanted_.empty() && vm_.monitor.ready) {
    const auto q = wanted_.front();
    if (q != query::yank && in_band_outstanding()) return;
    wanted_.erase(wanted_.begin());
    if (q == query::yank && vm_.monitor.oob) {
      if (around_.qemu.answers_out_of_band()) apply_reply(vm_, q, around_.qemu.document(q), now);
    } else {
      ask(q, now);
    }
  }
}

void simulated_daemon::ask(query q, instant now) {
  sent_.push_back({.asks = q, .act = {}, .run = "", .at = now});
  if (!vm_.monitor.waiting_since) vm_.monitor.waiting_since = now;
}

duration simulated_daemon::between_samples() const {
  using namespace std::chrono_literals;
  if (migrates(vm_) && !vm_.jobs.empty()) return 250ms;
  if (!vm_.jobs.empty()) return 1s;
  return io_.waits() ? 5s : 60s;
}

void simulated_daemon::sample(instant now) {
  auto facts = around_.qemu.seen_from_outside();
  if (!facts.alive) return end_of_process(now);
  io_.add(facts, vm_);
  if (!suspicion_.active()) return;
  suspicion_.add(std::move(facts), probing);
  if (auto v = suspicion_.judge(vm_, probing))
    verdict_ = std::move(v);
  else if (verdict_ && now - verdict_->at > probing.patience)
    verdict_.reset();
}

bool simulated_daemon::talking() const {
  return vm_.monitor.ready && synced_ && !suspicion_.active();
}

bool simulated_daemon::settled() const {
  return talking() && wanted_.empty() && (!in_band_outstanding() || !engine_.incident_open());
}

vm_view simulated_daemon::view(instant now) const {
  const bool stalled = verdict_ && (gone_ || suspicion_.active());
  return {.vm = vm_,
          .io = io_,
          .now = now,
          .alive = !gone_,
          .talking = talking(),
          .settled = settled(),
          .stall = stalled ? &*verdict_ : nullptr};
}

void simulated_daemon::decide(instant now) {
  const bool nothing = !verdict_ && !gone_ && vm_.jobs.empty() && !migrates(vm_) && !io_.waits() &&
                       !engine_.on_watch() && vm_.migrates_with.max_bandwidth != guard::held_bandwidth;
  if (nothing) return;
  const auto seen = view(now);
  const auto decisions = engine_.step(look(seen));
  if (!engine_.step(look(seen)).empty())
    around_.broken_rules.emplace_back("the same look twice gave something new");
  for (const auto& d : decisions) {
    std::visit([&](const auto& what) { carry_out(d.run, what, now); }, d.what);
  }
}

std::string simulated_daemon::standing(instant now) {
  const auto seen = view(now);
  return engine_.guard_standing(look(seen));
}

}  // namespace unwedge::policies::fake
