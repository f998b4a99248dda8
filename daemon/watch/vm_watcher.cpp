#include "daemon/watch/vm_watcher.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>

namespace unwedge::watch {
namespace {

using std::chrono::milliseconds;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

constexpr milliseconds first_retry{250};
constexpr milliseconds last_retry{10'000};
/// A migration decides a VM's fate within a second: while one runs, or a job does, probes are four times as
/// frequent.
constexpr int risk_factor = 4;

policies::instant now() {
  return std::chrono::steady_clock::now();
}

std::string first_name(const endpoint& where) {
  if (!where.fixed_name.empty()) return where.fixed_name;
  return where.path.empty() ? "dial-in" : std::filesystem::path(where.path).stem().string();
}

}  // namespace

std::string_view to_string(vm_state s) {
  switch (s) {
    case vm_state::healthy:
      return "healthy";
    case vm_state::suspect:
      return "suspect";
    case vm_state::stalled:
      return "stalled";
    case vm_state::held:
      return "held";
    case vm_state::gone:
      return "gone";
  }
  return "unknown";
}

vm_watcher::vm_watcher(services& shared, endpoint where, watcher_owner& owner)
    : shared_(shared),
      where_(std::move(where)),
      owner_(owner),
      name_(first_name(where_)),
      retry_(shared.executor),
      state_since_(now()) {}

void vm_watcher::watch_process(evidence::process of, std::string uuid) {
  take_process(std::move(of));
  vm_.uuid = std::move(uuid);
  vm_.no_monitor = true;
  vm_.monitor.problem = "no monitor of it was enrolled: it is watched as a process";
}

void vm_watcher::hand_over() {
  for (auto& [run, record] : records_)
    carry_out(run, policies::add_note{"Its monitor was found; it is watched through that from now on."});
  while (!records_.empty())
    carry_out(std::string(records_.begin()->first), policies::close_incident{"observed"});
  stop();
}

asio::awaitable<void> vm_watcher::keep_connected() {
  const auto self = shared_from_this();
  auto pause = first_retry;
  while (!stopping_) {
    auto connection = qmp::connect(shared_.executor, where_.path);
    if (connection) {
      const auto began = now();
      co_await serve(std::move(*connection));
      if (now() - began > last_retry) pause = first_retry;
    } else {
      vm_.monitor.problem = to_string(connection.error());
    }
    if (stopping_) break;
    retry_.expires_after(pause);
    co_await retry_.async_wait(as_result);
    pause = std::min(pause * 2, last_retry);
  }
}

void vm_watcher::on_time() {
  if (stopping_) return;
  const auto at = now();
  tick(at);
  due_ = next_wake(at);
  shared_.clock.call(shared_from_this(), due_);
}

void vm_watcher::wake_soon() {
  due_ = now();
  shared_.clock.call(shared_from_this(), due_);
}

void vm_watcher::stop() {
  stopping_ = true;
  retry_.cancel();
  if (session_) session_->close();
}

void vm_watcher::tick(policies::instant at) {
  // A live session is proof of life; without one, or in doubt, the pidfd tells.
  const bool doubt = !session_ || suspicion_.active() || engine_.incident_open();
  if (doubt && process_ && !gone_ && !process_->alive()) process_gone(at);
  if (at >= next_probe_) probe(at);
  review(at);
  const auto sample_at = suspicion_.active() ? suspicion_.next_sample_at() : next_sample_;
  if (process_ && !gone_ && !sampling_ && !engine_.acting() &&
      at >= std::max(sample_at, undisturbed_until_)) {
    sampling_ = true;
    shared_.tasks.spawn(take_sample(), name_ + ": evidence");
  }
  decide(at);
  note_state();
}

void vm_watcher::review(policies::instant at) {
  if (gone_) return;  // its verdict is final
  const bool before = suspicion_.active();
  suspicion_.update(vm_, at, shared_.settings->probe);
  if (suspicion_.active() && !before) {
    shared_.hub.publish("suspect", name_, "no answer from the main loop, looking for the cause");
  } else if (!suspicion_.active() && before && !session_) {
    verdict_.reset();
  } else if (!suspicion_.active() && before) {
    verdict_.reset();
    shared_.hub.publish("answers", name_, "the main loop answers again");
    want({.status = true, .jobs = true, .migration = true});  // know at once how it stands
  }
  note_state();
}

void vm_watcher::probe(policies::instant at) {
  next_probe_ = next_probe_after(at);
  if (!session_ && process_ && !gone_ && !pulsing_) {
    pulsing_ = true;
    shared_.tasks.spawn(take_pulse(), name_ + ": pulse");
  }
  if (!session_ || !session_->is_ready()) return;
  if (!session_->in_band_outstanding()) ask(policies::next_probe(vm_, probes_++));
  // While the main loop is silent the monitor's own thread is asked: it says whether QEMU as a whole stands
  // still, and what could be yanked.
  const bool oob_asked = std::ranges::any_of(pending_, &pending_query::out_of_band);
  if (suspicion_.active() && session_->is_ready() && session_->oob() && !oob_asked)
    ask(policies::query::yank);
}

/// Never later than the interval, and on a grid, so that many VMs are probed in one go: waking up a thousand
/// times a second costs more than the probes.
policies::instant vm_watcher::next_probe_after(policies::instant at) const {
  const policies::duration interval =
      shared_.settings->probe.interval / (policies::at_risk(vm_) ? risk_factor : 1);
  const auto grid = std::min<policies::duration>(milliseconds(50), interval / 4);
  const auto due = (at + interval).time_since_epoch();
  return policies::instant(due - due % grid);
}

policies::instant vm_watcher::next_wake(policies::instant at) const {
  auto wake = next_probe_;
  if (process_ && !gone_ && !sampling_ && !engine_.acting())
    wake = std::min(
        wake, std::max(undisturbed_until_, suspicion_.active() ? suspicion_.next_sample_at() : next_sample_));
  if (!suspicion_.active() && vm_.monitor.waiting_since) {
    wake = std::min(wake, *vm_.monitor.waiting_since + shared_.settings->probe.late_after);
  }
  return std::max(wake, at + milliseconds(1));
}

vm_state vm_watcher::state() const {
  if (gone_) return vm_state::gone;
  if (verdict_ && !is_only_late(verdict_->kind)) return vm_state::stalled;
  const bool mute = !where_.no_monitor && (!session_ || !session_->is_ready());
  if (suspicion_.active() || mute) return vm_state::suspect;
  if (held() != nullptr) return vm_state::held;
  return vm_state::healthy;
}

void vm_watcher::note_state() {
  const auto is = state();
  if (is == state_) return;
  state_ = is;
  state_since_ = now();
  if (is == vm_state::healthy)
    shared_.hub.publish("healthy", name_, fmt::format("healthy, {}", vm_.run_state));
}

void vm_watcher::process_gone(policies::instant at) {
  gone_ = true;
  policies::process_facts end;
  end.at = at;
  end.pid = process_->pid();
  policies::verdict v{
      .kind = policies::verdict_kind::gone, .since = at, .at = at, .reasons = {"The process has ended."}};
  verdict_ = v;
  if (where_.no_monitor) {  // how it ended only its monitor would have told
    vm_.shut_down = true;
    shared_.hub.publish("gone", name_, "the QEMU process has ended");
    return spdlog::info("{}: QEMU process {} has ended", name_, end.pid);
  }
  shared_.hub.publish("gone", name_,
                      vm_.shut_down ? "shut down" : "the QEMU process has ended without a shutdown");
  spdlog::log(vm_.shut_down ? spdlog::level::info : spdlog::level::warn, "{}: QEMU process {} has ended{}",
              name_, end.pid, vm_.shut_down ? "" : " without a SHUTDOWN event");
}

}  // namespace unwedge::watch
