#include "daemon/watch/vm_steps.hpp"

#include "qmp/commands.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace unwedge::watch {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds intent_patience{2'000};

policies::instant now() {
  return std::chrono::steady_clock::now();
}

policies::step_outcome outcome_of(const act_outcome& o) {
  if (o.result == "done") return policies::step_outcome::done;
  if (o.result.starts_with("refused")) return policies::step_outcome::refused;
  return o.touched ? policies::step_outcome::failed_touched : policies::step_outcome::failed;
}

std::string in_words(const policies::step& s) {
  return fmt::format("{} {}", s.action, boost::json::serialize(s.arguments));
}

}  // namespace

void vm_steps::carry_out(const std::string& run, policies::take_step d) {
  n_.vm.driver.spawn(act(run, std::move(d.step)), run);
}

void vm_steps::carry_out(const std::string&, policies::set_precaution d) {
  n_.precautions.save();
  n_.vm.driver.spawn(set(std::move(d)), "precaution");
}

asio::awaitable<void> vm_steps::act(std::string run, policies::step s) {
  const auto of = n_.process.held;
  if (auto* recorder = n_.incidents.of(run)) {
    if (s.urgent)
      recorder->intent_in_passing(s);
    else
      co_await recorder->intent(s, intent_patience);
  }
  const auto began = now();
  const auto done = co_await perform_guarded(run, s);
  const auto& result = done.result;
  const auto took = std::chrono::duration_cast<milliseconds>(now() - began);
  if (!policies::acts_on_process(s)) n_.stacks.not_before(now() + s.verify_within + milliseconds(500));
  if (of != n_.process.held) co_return;  // another VM is behind the monitor: that run is no more
  auto& shared = n_.vm.shared;
  if (auto* recorder = n_.incidents.of(run)) recorder->outcome(result, took);
  for (const auto& note : done.notes) n_.incidents.carry_out(run, policies::add_note{note});
  if (was_tried(done)) n_.stall.note_tried(s.action);
  n_.engine.step_done(run, outcome_of(done), now(), shared.host_budget);
  n_.precautions.save();
  if (shared.meter.step_ended) shared.meter.step_ended(s.action, result);
  shared.hub.publish("step", n_.vm.name, in_words(s) + ": " + result, {{"result", result}, {"policy", run}});
  spdlog::warn("{}: {}: {}: {}", n_.vm.name, run, in_words(s), result);
  n_.vm.driver.decide();
  n_.vm.driver.note_state();
  n_.vm.driver.wake_soon();
}

asio::awaitable<void> vm_steps::set(policies::set_precaution p) {
  const auto of = n_.process.held;
  const auto result = (co_await n_.commands.send(p.step)).result;
  if (of != n_.process.held) co_return;  // another VM is behind the monitor
  n_.vm.shared.hub.publish("guard", n_.vm.name, fmt::format("{}: {}: {}", in_words(p.step), p.why, result),
                           {{"result", result}});
  spdlog::info("{}: {}: {}: {}", n_.vm.name, in_words(p.step), p.why, result);
  n_.engine.precaution_done(p.step, result == "done", now());
  n_.precautions.save();
  n_.vm.driver.wake_soon();
}

/// The engine waits for an outcome, whatever happens.
asio::awaitable<act_outcome> vm_steps::perform_guarded(std::string run, policies::step s) {
  try {
    co_return co_await perform(std::move(run), std::move(s));
  } catch (const std::exception& thrown) {
    co_return act_outcome{fmt::format("failed: {}", thrown.what())};
  }
}

asio::awaitable<act_outcome> vm_steps::perform(std::string run, policies::step s) {
  if (policies::acts_on_process(s)) co_return co_await perform_on_process(std::move(run), std::move(s));
  if (policies::cuts_from_outside(s)) co_return co_await perform_from_outside(std::move(run), std::move(s));
  if (!n_.monitor.is_ready()) co_return act_outcome{"refused: the connection was lost"};
  if (out_of_band(s)) {
    if (auto lost = co_await look_.before_yank(); !lost.empty()) co_return act_outcome{lost};
  }
  if (auto changed = look_.confirmed(run, s); !changed.empty()) co_return act_outcome{changed};
  co_return co_await n_.commands.send(std::move(s));
}

/// A policy's step; its intent is on record.
asio::awaitable<act_outcome> vm_steps::perform_on_process(std::string run, policies::step s) {
  if (s.action == "abort") {
    if (auto changed = co_await look_.same_verdict_again(); !changed.empty()) co_return act_outcome{changed};
  }
  const auto of = n_.process.held;
  if (auto changed = look_.confirmed(run, s); !changed.empty()) co_return act_outcome{changed};
  const auto* record = n_.incidents.of(run);
  const auto incident = record != nullptr ? record->id() : std::string();
  const auto done = co_await n_.stops.carry_out(s.action, false, incident);
  if (!done) co_return act_outcome{(s.action == "flag-core" ? "refused: " : "failed: ") + done.error()};
  if (of != n_.process.held) co_return act_outcome{"done"};
  n_.incidents.carry_out(run, policies::add_note{watch::in_words(s.action, *done)});
  co_return act_outcome{"done"};
}

/// Nothing is asked of QEMU for a cut alone: whatever its monitor does is no matter.
asio::awaitable<act_outcome> vm_steps::perform_from_outside(std::string run, policies::step s) {
  auto changed = yanks_in_window(s) ? co_await look_.before_yank() : co_await look_.before_cut();
  if (changed.empty()) changed = look_.confirmed(run, s);
  if (!changed.empty()) co_return act_outcome{changed};
  // In the window the VM shows another situation than the one that it is for: only what is allowed is asked.
  co_return co_await n_.rescue.carry_out(s, [this, needs = s.needs] { return n_.situation.forbids(needs); });
}

/// The capability can be switched off only once the migration is over.
asio::awaitable<void> vm_steps::take_back() {
  if (!n_.situation.talking()) co_return;
  for (auto& s : n_.engine.to_take_back(n_.vm.model)) {
    if (s.action == "migrate-set-capabilities") co_await migration_is_over();
    const auto text = in_words(s);
    const auto result = (co_await n_.commands.send(std::move(s))).result;
    spdlog::info("{}: taken back: {}: {}", n_.vm.name, text, result);
    if (result != "done") co_return n_.precautions.save();
  }
  n_.engine.taken_back();
  n_.precautions.save();
}

asio::awaitable<void> vm_steps::migration_is_over() {
  const auto until = now() + command_patience;
  asio::steady_timer pause(n_.vm.shared.executor);
  while (n_.vm.migrates() && n_.monitor.session() && now() < until) {
    const auto seen = co_await qmp::execute(n_.monitor.session(), qmp::query_migrate(), command_patience);
    if (!seen) co_return;
    policies::apply_reply(n_.vm.model, policies::query::migrate, *seen, now());
    pause.expires_after(milliseconds(50));
    co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

}  // namespace unwedge::watch
