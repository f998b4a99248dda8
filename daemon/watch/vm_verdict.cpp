// The part of a watcher that turns a suspicion into evidence, evidence into a decision, and a decision into
// an act.
#include "daemon/evidence/sample.hpp"
#include "daemon/watch/views.hpp"
#include "daemon/watch/vm_watcher.hpp"
#include "policies/sentence.hpp"
#include "qmp/printable.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

namespace unwedge::watch {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds intent_patience{2'000};
constexpr milliseconds yank_patience{1'500};

policies::instant now() {
  return std::chrono::steady_clock::now();
}

asio::awaitable<policies::process_facts> sample_here(std::shared_ptr<const evidence::process> process) {
  co_return evidence::sample(*process, now());
}

policies::step_outcome outcome_of(std::string_view result) {
  if (result == "done") return policies::step_outcome::done;
  return result.starts_with("refused") ? policies::step_outcome::refused : policies::step_outcome::failed;
}

}  // namespace

/// On a thread of the pool: the kernel may make a reader of /proc wait for the target's memory lock.
asio::awaitable<policies::process_facts> vm_watcher::sample_process() {
  const auto began = now();
  auto facts = co_await asio::co_spawn(shared_.evidence_pool, sample_here(process_), uncancelled());
  if (shared_.meter.evidence_taken) {
    shared_.meter.evidence_taken(std::chrono::duration_cast<std::chrono::microseconds>(now() - began));
  }
  co_return facts;
}

asio::awaitable<void> vm_watcher::take_sample() {
  const auto self = shared_from_this();
  const auto of = process_;
  auto facts = co_await sample_process();
  sampling_ = false;
  if (stopping_ || of != process_ || gone_) co_return;
  if (!facts.alive) {
    process_gone(facts.at);
  } else {
    suspicion_.add(std::move(facts), shared_.settings->probe);
    if (auto v = suspicion_.judge(vm_, shared_.settings->probe)) {
      verdict_ = std::move(v);
    } else if (verdict_ && now() - verdict_->at > shared_.settings->probe.patience) {
      verdict_.reset();  // what was seen last does not bear it out any more
    }
  }
  decide(now());
  note_state();
  wake_soon();
}

bool vm_watcher::responsive() const {
  const bool in_band_pending = session_ && session_->in_band_outstanding();
  return session_ && session_->is_ready() && !suspicion_.active() && wanted_.empty() &&
         (!in_band_pending || !engine_.incident_open()) && vm_.monitor.last_reply.has_value();
}

void vm_watcher::decide(policies::instant at) {
  if (!verdict_ && !gone_ && !engine_.incident_open()) return;  // a thousand healthy VMs: nothing to decide
  policies::observation seen{.now = at, .alive = !gone_, .responsive = responsive(), .verdict = verdict_};
  if (verdict_ && verdict_->kind == policies::verdict_kind::main_loop_busy) seen.verdict.reset();
  if (!gone_ && !suspicion_.active()) seen.verdict.reset();
  const policies::engine_settings allowed_here{allowed(), shared_.settings->dry_run};
  for (auto& d : engine_.step(seen, vm_, allowed_here)) {
    std::visit([this](auto& what) { carry_out(std::move(what)); }, d);
  }
}

void vm_watcher::carry_out(const policies::open_incident& d) {
  const auto sentence = policies::sentence(d.verdict, vm_);
  condition_ = d.condition;
  recorder_.open({.vm = name_,
                  .condition = d.condition,
                  .pid = process_ ? process_->pid() : 0,
                  .started = process_ ? process_->start_time() : 0,
                  .verdict = to_json(d.verdict, vm_)});
  recorder_.attach("evidence.json", evidence_json(suspicion_.samples(), vm_));
  if (shared_.meter.verdict_reached) shared_.meter.verdict_reached(to_string(d.verdict.kind));
  shared_.hub.publish("verdict", name_, sentence, {{"kind", to_string(d.verdict.kind)}});
  spdlog::warn("{}: {}", name_, sentence);
}

void vm_watcher::carry_out(const policies::amend_verdict& d) {
  const auto sentence = policies::sentence(d.verdict, vm_);
  recorder_.verdict(to_json(d.verdict, vm_));
  recorder_.attach("evidence.json", evidence_json(suspicion_.samples(), vm_));
  if (shared_.meter.verdict_reached) shared_.meter.verdict_reached(to_string(d.verdict.kind));
  shared_.hub.publish("verdict", name_, sentence, {{"kind", to_string(d.verdict.kind)}});
  spdlog::warn("{}: now: {}", name_, sentence);
}

void vm_watcher::carry_out(policies::take_step d) {
  shared_.tasks.spawn(act(std::move(d)), name_ + ": remedy");
}

void vm_watcher::carry_out(policies::record_step d) {
  const auto text =
      fmt::format("{} {}: {}", d.step.action, boost::json::serialize(d.step.arguments), d.result);
  if (shared_.meter.step_ended) shared_.meter.step_ended(d.step.action, d.result);
  shared_.hub.publish("step", name_, "would have done: " + text, {{"result", d.result}});
  spdlog::warn("{}: not done, {} (authority {}): {}", name_, d.result, to_string(allowed()), text);
  recorder_.step_not_taken(std::move(d.step), std::move(d.result));
}

void vm_watcher::carry_out(policies::add_note d) {
  d.text = qmp::printable(d.text);
  shared_.hub.publish("note", name_, d.text);
  spdlog::warn("{}: {}", name_, d.text);
  recorder_.note(std::move(d.text));
}

void vm_watcher::carry_out(policies::close_incident d) {
  const auto standing =
      fmt::format("Now: run state {}, migration {}.", gone_ ? "gone" : qmp::printable(vm_.run_state),
                  vm_.migration ? qmp::printable(vm_.migration->status) : "none");
  recorder_.note(standing);
  recorder_.close(d.outcome);
  if (shared_.meter.incident_closed) shared_.meter.incident_closed(condition_, d.outcome);
  shared_.hub.publish("closed", name_, fmt::format("incident closed: {}. {}", d.outcome, standing),
                      {{"outcome", d.outcome}});
  spdlog::warn("{}: incident closed: {}. {}", name_, d.outcome, standing);
  if (!gone_) verdict_.reset();
}

/// One rung: its intent on record, the ground for it looked at once more, the act, its outcome on record.
asio::awaitable<void> vm_watcher::act(policies::take_step d) {
  const auto self = shared_from_this();
  co_await recorder_.intent(d.step, intent_patience);
  const auto began = now();
  const auto result = co_await yank(d.step);
  const auto took = std::chrono::duration_cast<milliseconds>(now() - began);
  recorder_.outcome(result, took);
  engine_.step_done(outcome_of(result), now());
  const auto text = fmt::format("{} {}: {}", d.step.action, boost::json::serialize(d.step.arguments), result);
  if (shared_.meter.step_ended) shared_.meter.step_ended(d.step.action, result);
  shared_.hub.publish("step", name_, text, {{"result", result}});
  spdlog::warn("{}: {}", name_, text);
  decide(now());
  note_state();
  wake_soon();
}

/// At the last moment the preconditions are looked at once more: the same process, a fresh sample that gives
/// the same ladder, and QEMU's own list of what can be yanked. In doubt nothing is done.
asio::awaitable<std::string> vm_watcher::yank(policies::step s) {
  const auto session = session_;
  const auto process = process_;
  if (!session || !session->is_ready() || !process) co_return "refused: the connection was lost";
  const auto listed = co_await qmp::execute(session, {"query-yank", {}, true}, yank_patience);
  if (!listed) co_return "refused: query-yank: " + to_string(listed.error());
  policies::apply_reply(vm_, policies::query::yank, *listed, now());
  auto facts = co_await sample_process();
  if (process != process_ || !facts.alive || !process->alive()) co_return "refused: the process has ended";
  suspicion_.add(std::move(facts), shared_.settings->probe);
  const auto again = suspicion_.judge(vm_, shared_.settings->probe);
  if (!again) co_return "refused: at the last look the wait was no longer there";
  const auto plan = policies::plan_for(*again, vm_);
  if (std::ranges::find(plan.ladder, s) == plan.ladder.end()) {
    co_return "refused: at the last look it was another situation: " + policies::sentence(*again, vm_);
  }
  const auto done = co_await qmp::execute(session, {s.action, s.arguments, true}, yank_patience);
  co_return done ? "done" : "failed: " + to_string(done.error());
}

void vm_watcher::take_up(const policies::incident& open) {
  condition_ = open.condition;
  recorder_.take_up(open.id);
  // Begun, and of unknown outcome, counts as taken: it is not done a second time.
  const auto taken = std::ranges::count_if(open.steps, [](const policies::incident_step& s) {
    return s.result.empty() || s.result == "done" || s.result.starts_with("failed");
  });
  engine_.resume(static_cast<std::size_t>(taken), open.steps.size());
  shared_.hub.publish("note", name_, "takes up the incident " + open.id + " of an earlier run");
  spdlog::warn("{}: takes up the incident {} of an earlier run, {} steps on record", name_, open.id,
               open.steps.size());
}

}  // namespace unwedge::watch
