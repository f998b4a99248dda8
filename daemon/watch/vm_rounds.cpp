#include "daemon/watch/vm_rounds.hpp"

#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace unwedge::watch {
namespace {

constexpr std::chrono::milliseconds last_words{1'000};

policies::instant now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

void vm_rounds::tick(policies::instant at) {
  // A live session is proof of life; without one, or in doubt, the pidfd tells.
  const bool doubt = !n_.monitor.session() || n_.stall.active() || n_.engine.incident_open();
  if (doubt && n_.process.lives() && !n_.process.held->alive()) process_gone(at);
  if (n_.times.probe_is_due(at)) probe(at);
  n_.stall.review(at);
  if (may_sample() && at >= n_.times.sample_at()) {
    n_.process.sampling = true;
    n_.vm.driver.spawn(take_sample(), "evidence");
  }
  decide(at);
  n_.vm.driver.note_state();
  if (n_.process.gone && n_.incidents.none()) {  // it is remembered for minutes, and nothing will want them
    n_.monitor.forget_messages();
    n_.stall.forget_samples();
  }
}

void vm_rounds::decide(policies::instant at) {
  if (n_.situation.nothing_to_decide()) return;
  for (auto& d : n_.situation.decide(at)) {
    std::visit(
        [&](auto& what) {
          if constexpr (requires { n_.steps.carry_out(d.run, std::move(what)); })
            n_.steps.carry_out(d.run, std::move(what));
          else
            n_.incidents.carry_out(d.run, std::move(what));
        },
        d.what);
  }
  if (!n_.engine.acting()) n_.stacks.begin();
}

/// One at a time, and none beside a step: that takes its own.
bool vm_rounds::may_sample() const {
  return n_.process.lives() && !n_.process.sampling && !n_.engine.acting();
}

void vm_rounds::probe(policies::instant at) {
  n_.times.probed(at);
  if (!n_.monitor.session() && n_.process.lives() && !n_.process.pulsing) {
    n_.process.pulsing = true;
    n_.vm.driver.spawn(take_pulse(), "pulse");
  }
  n_.monitor.probe(n_.stall.active());
}

asio::awaitable<void> vm_rounds::take_sample() {
  const auto of = n_.process.held;
  auto facts = co_await n_.samples.take();
  n_.process.sampling = false;
  if (n_.vm.stopping || of != n_.process.held || n_.process.gone) co_return;
  if (facts.alive)
    n_.stall.use(std::move(facts));
  else
    process_gone(facts.at);
  n_.times.sampled(now());
  n_.vm.driver.wake_soon();
}

asio::awaitable<void> vm_rounds::take_pulse() {
  const auto of = n_.process.held;
  const auto main = co_await n_.samples.pulse();
  n_.process.pulsing = false;
  if (n_.vm.stopping || of != n_.process.held || n_.process.gone || n_.monitor.session() || !main) co_return;
  n_.stall.use(*main, now());
  if (n_.vm.model.quiet_since || n_.stall.active()) n_.vm.driver.wake_soon();
}

/// What it said last lies in its monitor's socket, which closes with the process: the session reads it and
/// ends. A child that has the socket open as well is not waited for.
bool vm_rounds::last_words_are_to_come(policies::instant at) {
  if (!n_.monitor.session()) return false;
  if (!n_.process.ended_at) n_.process.ended_at = at;
  return at - *n_.process.ended_at < last_words;
}

void vm_rounds::process_gone(policies::instant at) {
  if (last_words_are_to_come(at)) return;
  n_.process.gone = true;
  n_.stall.set_verdict(
      {.kind = policies::verdict_kind::gone, .since = at, .at = at, .reasons = {"The process has ended."}});
  const auto pid = n_.process.held->pid();
  auto& shut_down = n_.vm.model.shut_down;
  auto& hub = n_.vm.shared.hub;
  if (n_.vm.no_monitor) {  // how it ended only its monitor would have told
    shut_down = true;
    hub.publish("gone", n_.vm.name, "the QEMU process has ended");
    return spdlog::info("{}: QEMU process {} has ended", n_.vm.name, pid);
  }
  hub.publish("gone", n_.vm.name, shut_down ? "shut down" : "the QEMU process has ended without a shutdown");
  spdlog::log(shut_down ? spdlog::level::info : spdlog::level::warn, "{}: QEMU process {} has ended{}",
              n_.vm.name, pid, shut_down ? "" : " without a SHUTDOWN event");
}

}  // namespace unwedge::watch
