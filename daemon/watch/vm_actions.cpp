// The part of a watcher that acts: intent on record, the ground looked at once more, the command, its
// outcome.
#include "daemon/watch/vm_watcher.hpp"
#include "qmp/commands.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

namespace unwedge::watch {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds intent_patience{2'000};
constexpr milliseconds command_patience{1'500};

policies::instant now() {
  return std::chrono::steady_clock::now();
}

policies::step_outcome outcome_of(std::string_view result) {
  if (result == "done") return policies::step_outcome::done;
  return result.starts_with("refused") ? policies::step_outcome::refused : policies::step_outcome::failed;
}

/// The one command of ours that does not need the main loop (QEMU >= 6.0).
bool out_of_band(const policies::step& s) {
  return s.action == "yank";
}

std::string in_words(const policies::step& s) {
  return fmt::format("{} {}", s.action, boost::json::serialize(s.arguments));
}

}  // namespace

void vm_watcher::carry_out(const std::string& run, policies::take_step d) {
  shared_.tasks.spawn(act(run, std::move(d.step)), name_ + ": " + run);
}

void vm_watcher::carry_out(const std::string&, policies::set_precaution d) {
  save_precautions();
  shared_.tasks.spawn(set(std::move(d)), name_ + ": precaution");
}

/// One step: its intent on record, the ground for it looked at once more, the act, its outcome on record.
asio::awaitable<void> vm_watcher::act(std::string run, policies::step s) {
  const auto self = shared_from_this();
  const auto of = process_;
  if (auto* recorder = recorder_of(run)) {
    if (s.urgent)
      recorder->intent_in_passing(s);
    else
      co_await recorder->intent(s, intent_patience);
  }
  const auto began = now();
  const auto result = co_await perform(run, s);
  const auto took = std::chrono::duration_cast<milliseconds>(now() - began);
  if (!policies::acts_on_process(s)) stacks_after_ = now() + s.verify_within + milliseconds(500);
  if (of != process_) co_return;  // another VM is behind the monitor: that run is no more
  if (auto* recorder = recorder_of(run)) recorder->outcome(result, took);
  engine_.step_done(run, outcome_of(result), now(), shared_.host_budget);
  save_precautions();
  if (shared_.meter.step_ended) shared_.meter.step_ended(s.action, result);
  shared_.hub.publish("step", name_, in_words(s) + ": " + result, {{"result", result}, {"policy", run}});
  spdlog::warn("{}: {}: {}: {}", name_, run, in_words(s), result);
  decide(now());
  note_state();
  wake_soon();
}

asio::awaitable<void> vm_watcher::set(policies::set_precaution p) {
  const auto self = shared_from_this();
  const auto of = process_;
  const auto result = co_await send(p.step);
  if (of != process_) co_return;  // another VM is behind the monitor
  shared_.hub.publish("guard", name_, fmt::format("{}: {}: {}", in_words(p.step), p.why, result),
                      {{"result", result}});
  spdlog::info("{}: {}: {}: {}", name_, in_words(p.step), p.why, result);
  engine_.precaution_done(p.step, result == "done", now());
  save_precautions();
  wake_soon();
}

/// At the last moment the preconditions are looked at once more, a yank's with a fresh sample: only the same
/// answer is acted on. In doubt nothing is done.
asio::awaitable<std::string> vm_watcher::perform(std::string run, policies::step s) {
  if (policies::acts_on_process(s)) co_return co_await perform_on_process(std::move(run), std::move(s));
  if (!session_ || !session_->is_ready()) co_return "refused: the connection was lost";
  if (out_of_band(s)) {
    if (auto lost = co_await refresh_evidence(run, s); !lost.empty()) co_return lost;
  }
  const auto seen = view(now());
  const auto set_by = frame();
  if (!engine_.confirms(run, s, look(seen, set_by)))
    co_return "refused: at the last look it was another situation";
  co_return co_await send(std::move(s));
}

asio::awaitable<std::string> vm_watcher::refresh_evidence(std::string run, policies::step s) {
  const auto session = session_;
  const auto process = process_;
  if (!process) co_return "refused: the process is not known";
  const auto listed = co_await qmp::execute(session, {"query-yank", {}, true}, command_patience);
  if (!listed) co_return "refused: query-yank: " + to_string(listed.error());
  policies::apply_reply(vm_, policies::query::yank, *listed, now());
  auto facts = co_await sample_undisturbed();
  if (process != process_ || session != session_ || !facts.alive || !process->alive())
    co_return "refused: the process has ended";
  const bool of_a_stall = view(now()).stall != nullptr;
  use(std::move(facts));
  if (of_a_stall && !suspicion_.judge(vm_, shared_.settings->probe))
    co_return "refused: at the last look the wait was no longer there";
  co_return "";
}

/// An in-band command is a probe as well: if it is not answered, the VM becomes suspect.
asio::awaitable<std::string> vm_watcher::send(policies::step s) {
  const auto session = session_;
  if (!session) co_return "refused: the connection was lost";
  const bool in_band = !out_of_band(s);
  if (in_band && !vm_.monitor.waiting_since) vm_.monitor.waiting_since = now();
  const auto done = co_await qmp::execute(session, {s.action, s.arguments, !in_band}, command_patience);
  if (session != session_) co_return done ? "done" : "failed: " + to_string(done.error());
  if (done)
    policies::apply_accepted(vm_, s.action, s.arguments, now());
  else if (s.action.starts_with("migrate-set-"))
    want({.settings = true});  // whether it took effect is not known
  co_return done ? "done" : "failed: " + to_string(done.error());
}

/// One after the other, each answered: QEMU drops what it has not read when its client vanishes. The
/// capability can be switched off only once the migration is over. A VM that hangs is left alone.
asio::awaitable<void> vm_watcher::take_back() {
  const auto self = shared_from_this();
  if (!talking()) co_return;
  for (auto& s : engine_.to_take_back(vm_)) {
    if (s.action == "migrate-set-capabilities") co_await migration_is_over();
    const auto text = in_words(s);
    const auto result = co_await send(std::move(s));
    spdlog::info("{}: taken back: {}: {}", name_, text, result);
    if (result != "done") co_return save_precautions();
  }
  engine_.taken_back();
  save_precautions();
}

asio::awaitable<void> vm_watcher::migration_is_over() {
  const auto until = now() + command_patience;
  asio::steady_timer pause(shared_.executor);
  while (migrates() && session_ && now() < until) {
    const auto seen = co_await qmp::execute(session_, qmp::query_migrate(), command_patience);
    if (!seen) co_return;
    policies::apply_reply(vm_, policies::query::migrate, *seen, now());
    pause.expires_after(milliseconds(50));
    co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

/// Those of a VM whose process is not known cannot be told from another's later.
void vm_watcher::save_precautions() {
  if (!process_) return;
  auto left = engine_.left_in_qemu();
  if (left == saved_precautions_) return;
  saved_precautions_ = left;
  shared_.precautions.put(*process_, std::move(left), shared_.store);
}

}  // namespace unwedge::watch
