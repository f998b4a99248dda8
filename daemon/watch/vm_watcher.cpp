#include "daemon/watch/vm_watcher.hpp"

#include "daemon/coredump/core_filter.hpp"
#include "daemon/watch/monitor_peer.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>

namespace unwedge::watch {
namespace {

using std::chrono::milliseconds;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

constexpr milliseconds first_retry{250};
constexpr milliseconds last_retry{10'000};

policies::instant now() {
  return std::chrono::steady_clock::now();
}

std::string first_name(const endpoint& where) {
  if (!where.fixed_name.empty()) return where.fixed_name;
  return where.path.empty() ? "dial-in" : std::filesystem::path(where.path).stem().string();
}

std::string summary(const policies::vm_model& vm, const evidence::process* process) {
  return fmt::format("QEMU {}, {}{}", to_string(vm.monitor.version),
                     process != nullptr ? fmt::format("pid {}", process->pid()) : "process unknown",
                     vm.monitor.oob ? ", out-of-band" : ", in-band only");
}

asio::awaitable<void> keeping(std::shared_ptr<vm_watcher>, asio::awaitable<void> task) {
  co_await std::move(task);
}

}  // namespace

vm_watcher::vm_watcher(services& shared, endpoint where, watcher_owner& owner)
    : where_(std::move(where)),
      owner_(owner),
      retry_(shared.executor),
      state_since_(now()),
      vm_{.shared = shared,
          .driver = static_cast<vm_driver&>(*this),
          .name = first_name(where_),
          .no_monitor = where_.no_monitor},
      monitor_(vm_, static_cast<vm_monitor::listener&>(*this)),
      samples_(vm_, process_),
      stops_(vm_, process_),
      stall_(vm_, process_, monitor_),
      times_(vm_, process_, stall_),
      situation_({vm_, process_, monitor_, stall_, engine_}),
      incidents_(vm_, process_, monitor_, stall_),
      stacks_({vm_, process_, stops_, stall_, incidents_}),
      precautions_(vm_, process_, engine_),
      commands_(vm_, monitor_),
      rescue_({vm_, process_, monitor_, stops_, commands_}),
      operator_rescue_({.situation = situation_,
                        .commands = commands_,
                        .rescue = rescue_,
                        .look = {vm_, process_, monitor_, samples_, stall_, situation_}}),
      operator_({vm_, engine_, process_, stops_, situation_, incidents_, operator_rescue_, stall_}),
      steps_({.vm = vm_,
              .engine = engine_,
              .process = process_,
              .monitor = monitor_,
              .stops = stops_,
              .commands = commands_,
              .rescue = rescue_,
              .situation = situation_,
              .incidents = incidents_,
              .stacks = stacks_,
              .precautions = precautions_,
              .stall = stall_,
              .look = {vm_, process_, monitor_, samples_, stall_, situation_}}),
      rounds_({.vm = vm_,
               .engine = engine_,
               .process = process_,
               .monitor = monitor_,
               .samples = samples_,
               .stall = stall_,
               .times = times_,
               .situation = situation_,
               .incidents = incidents_,
               .stacks = stacks_,
               .steps = steps_}) {}

void vm_watcher::spawn(asio::awaitable<void> task, std::string_view what) {
  vm_.shared.tasks.spawn(keeping(shared_from_this(), std::move(task)), fmt::format("{}: {}", vm_.name, what));
}

void vm_watcher::watch_process(evidence::process of, std::string uuid) {
  take_process(std::move(of));
  vm_.model.uuid = std::move(uuid);
  vm_.model.no_monitor = true;
  vm_.model.monitor.problem = "no monitor of it was enrolled: it is watched as a process";
}

void vm_watcher::hand_over() {
  incidents_.note_in_all("Its monitor was found; it is watched through that from now on.");
  incidents_.close_all("observed");
  stop();
}

asio::awaitable<void> vm_watcher::keep_connected() {
  const auto self = shared_from_this();
  auto pause = first_retry;
  while (!vm_.stopping) {
    auto connection = qmp::connect(vm_.shared.executor, where_.path);
    if (connection) {
      const auto began = now();
      co_await serve(std::move(*connection));
      if (now() - began > last_retry) pause = first_retry;
    } else {
      vm_.model.monitor.problem = to_string(connection.error());
    }
    if (vm_.stopping) break;
    retry_.expires_after(pause);
    co_await retry_.async_wait(as_result);
    pause = std::min(pause * 2, last_retry);
  }
}

asio::awaitable<void> vm_watcher::serve(qmp::socket connection) {
  const auto self = shared_from_this();
  const bool known = co_await identify(connection.native_handle());
  if (!known || vm_.stopping) co_return;  // after stop() nobody would end the session
  if (!owner_.claim(*this)) {
    forget_vm();
    vm_.model.monitor.problem = "its process is watched through another socket already";
    co_return;
  }
  const auto how = co_await monitor_.talk(std::move(connection));
  disconnected(how);
}

/// Only a QEMU counts. False: the process could not be told, and the connection must be given up.
asio::awaitable<bool> vm_watcher::identify(int socket_fd) {
  auto peer = co_await peer_of_monitor(vm_, retry_, socket_fd);
  const auto held = process_.held;
  if (!peer && held && held->alive()) {  // out of descriptors, say: unknown is not another
    vm_.model.monitor.problem = peer.error();
    co_return false;
  }
  if (!peer || !peer->is_qemu()) {
    forget_vm();  // whether it is the VM of the last session nobody can tell
    spdlog::info("{}: {}; watched by QMP alone", vm_.name,
                 peer ? fmt::format("the peer, pid {}, is no QEMU", peer->pid()) : peer.error());
    co_return true;
  }
  const bool same = held && held->pid() == peer->pid() && held->start_time() == peer->start_time();
  if (!same) {
    if (process_.lives() && !held->alive()) rounds_.process_gone(now());
    decide();
    forget_vm();
    take_process(std::move(*peer));
  }
  co_return true;
}

void vm_watcher::take_process(evidence::process of) {
  process_.take(std::move(of));
  precautions_.remember();
}

/// Another process stands behind the monitor now: nothing of the old one is true any more.
void vm_watcher::forget_vm() {
  incidents_.close_all("failed");
  vm_.model = {};
  monitor_.forget_messages();
  stall_.forget();
  engine_ = {};
  precautions_.forget();
  incidents_.forget_signatures();
  process_.forget();
}

void vm_watcher::disconnected(const vm_monitor::end& how) {
  const auto& [why, was_ready] = how;
  auto& shared = vm_.shared;
  note_state();
  if (shared.meter.protocol_error && why.code != qmp::errc::closed && why.code != qmp::errc::cancelled) {
    shared.meter.protocol_error(to_string(why.code));
  }
  if (vm_.stopping) return;
  if (was_ready || why.code != qmp::errc::no_greeting) {
    shared.hub.publish("disconnected", vm_.name, to_string(why));
    spdlog::log(why.code == qmp::errc::closed ? spdlog::level::info : spdlog::level::warn,
                "{}: disconnected: {}", vm_.name, to_string(why));
  }
  wake_soon();
}

void vm_watcher::greeted() {
  stall_.forget_pulse();  // from now on the monitor tells
  wake_soon();
}

void vm_watcher::ready() {
  const auto text = summary(vm_.model, process());
  vm_.shared.hub.publish("connected", vm_.name, text);
  spdlog::info("{}: connected to {}", vm_.name, text);
  times_.probe_at(now());  // the next tick asks
  wake_soon();
}

void vm_watcher::happened(const qmp::event& e) {
  if (vm_.shared.meter.event_received) vm_.shared.meter.event_received();
  auto unknown = policies::apply_event(vm_.model, e, now());
  if (unknown.any()) {
    // The queries of the block layer do I/O in QEMU: only while it is well.
    unknown.nodes = unknown.nodes && !stall_.active();
    monitor_.want(unknown);
  }
  if (times_.note_risk(now())) wake_soon();
}

void vm_watcher::answered(policies::query q, bool told) {
  if (times_.risk_has_changed()) {
    monitor_.want({.settings = vm_.migrates()});
    if (times_.note_risk(now())) wake_soon();
  }
  if (told && q == policies::query::name && where_.fixed_name.empty() && !vm_.model.guest_name.empty())
    owner_.named(*this);
}

void vm_watcher::went_on(policies::instant at, bool out_of_band) {
  if (out_of_band) return;
  if (stall_.active()) stall_.review(at);
  // The last answer that was missing: the engine may have an incident to close.
  if ((engine_.on_watch() || policies::at_risk(vm_.model)) && monitor_.wants_nothing()) wake_soon();
}

void vm_watcher::on_time() {
  if (vm_.stopping) return;
  const auto at = now();
  rounds_.tick(at);
  due_ = rounds_.next_wake(at);
  vm_.shared.clock.call(shared_from_this(), due_);
}

void vm_watcher::wake_soon() {
  due_ = now();
  vm_.shared.clock.call(shared_from_this(), due_);
}

void vm_watcher::stop() {
  vm_.stopping = true;
  retry_.cancel();
  monitor_.close();
}

void vm_watcher::decide() {
  rounds_.decide(now());
}

void vm_watcher::note_state() {
  const auto is = state();
  if (is == state_) return;
  state_ = is;
  state_since_ = now();
  if (is == vm_state::healthy)
    vm_.shared.hub.publish("healthy", vm_.name, fmt::format("healthy, {}", vm_.model.run_state));
}

bool vm_watcher::held_itself() const {
  return vm_.shared.holds.own(vm_.name, std::chrono::system_clock::now());
}

bool vm_watcher::core_flagged() const {
  return process_.lives() && coredump::is_flagged(*process_.held);
}

asio::awaitable<void> vm_watcher::take_back() {
  const auto self = shared_from_this();
  co_await steps_.take_back();
}

asio::awaitable<process_samples::result> vm_watcher::fresh_sample(std::chrono::milliseconds patience) {
  const auto self = shared_from_this();
  co_return co_await samples_.fresh(patience);
}

asio::awaitable<process_stops::stacks_result> vm_watcher::stacks_now() {
  const auto self = shared_from_this();
  co_return co_await stops_.stacks_on_request();
}

asio::awaitable<operator_steps::result> vm_watcher::act_for_operator(operator_act asked,
                                                                     operator_steps::teller say) {
  const auto self = shared_from_this();
  co_return co_await operator_.act(std::move(asked), std::move(say));
}

}  // namespace unwedge::watch
