// The part of a watcher that puts on record, and tells, what the engine decides.
#include "daemon/watch/signature_json.hpp"
#include "daemon/watch/views.hpp"
#include "daemon/watch/vm_watcher.hpp"
#include "policies/sentence.hpp"
#include "qmp/printable.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace unwedge::watch {
namespace {

policies::instant now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

vm_watcher::open_record& vm_watcher::begin_record(const std::string& run, std::string condition) {
  records_.erase(run);
  open_record fresh{incident_recorder(shared_.executor, shared_.store), std::move(condition), now()};
  return records_.emplace(run, std::move(fresh)).first->second;
}

incident_recorder* vm_watcher::recorder_of(const std::string& run) {
  const auto found = records_.find(run);
  return found == records_.end() ? nullptr : &found->second.recorder;
}

std::string vm_watcher::incident_id() const {
  const auto first = std::ranges::min_element(records_, {}, [](const auto& r) { return r.second.since; });
  return first == records_.end() ? "" : first->second.recorder.id();
}

void vm_watcher::carry_out(const std::string& run, policies::open_incident d) {
  const auto& c = d.condition;
  const auto condition = std::string(to_string(c.kind));
  auto& record = begin_record(run, condition);
  record.recorder.open({.vm = name_,
                        .condition = condition,
                        .policy = d.policy,
                        .subject = c.subject,
                        .why = c.why,
                        .pid = process_ ? process_->pid() : 0,
                        .started = process_ ? process_->start_time() : 0,
                        .verdict = d.verdict ? boost::json::value(to_json(*d.verdict, vm_)) : nullptr});
  record.recorder.attach("evidence.json", evidence_json(suspicion_.samples(), vm_));
  attach_first_messages(record);
  attach_host(record, d.policy);
  boost::json::object more{{"condition", condition}, {"policy", d.policy}};
  if (d.verdict) {
    more["kind"] = to_string(d.verdict->kind);
    if (shared_.meter.verdict_reached) shared_.meter.verdict_reached(to_string(d.verdict->kind));
  }
  shared_.hub.publish(d.verdict ? "verdict" : "condition", name_, c.why, std::move(more));
  spdlog::warn("{}: {}: {}", name_, condition, c.why);
}

void vm_watcher::carry_out(const std::string& run, policies::amend_verdict d) {
  const auto sentence = policies::sentence(d.verdict, vm_);
  if (auto* recorder = recorder_of(run)) {
    auto verdict = to_json(d.verdict, vm_);
    if (!signatures_.empty()) verdict["signatures"] = to_json(std::span(signatures_));
    recorder->verdict(std::move(verdict));
    recorder->attach("evidence.json", evidence_json(suspicion_.samples(), vm_));
  }
  if (shared_.meter.verdict_reached) shared_.meter.verdict_reached(to_string(d.verdict.kind));
  shared_.hub.publish("verdict", name_, sentence, {{"kind", to_string(d.verdict.kind)}});
  spdlog::warn("{}: now: {}", name_, sentence);
}

void vm_watcher::carry_out(const std::string& run, policies::record_step d) {
  const auto text =
      fmt::format("{} {}: {}", d.step.action, boost::json::serialize(d.step.arguments), d.result);
  if (shared_.meter.step_ended) shared_.meter.step_ended(d.step.action, d.result);
  shared_.hub.publish("step", name_, "would have done: " + text, {{"result", d.result}, {"policy", run}});
  spdlog::warn("{}: not done, {} (authority {}): {}", name_, d.result, to_string(allowed()), text);
  if (auto* recorder = recorder_of(run)) recorder->step_not_taken(std::move(d.step), std::move(d.result));
}

void vm_watcher::carry_out(const std::string& run, policies::add_note d) {
  d.text = qmp::printable(d.text);
  shared_.hub.publish("note", name_, d.text);
  spdlog::warn("{}: {}", name_, d.text);
  if (auto* recorder = recorder_of(run)) recorder->note(std::move(d.text));
}

void vm_watcher::carry_out(const std::string& run, policies::close_incident d) {
  const auto found = records_.find(run);
  if (found == records_.end()) return;
  const auto standing =
      fmt::format("Now: run state {}, migration {}.", gone_ ? "gone" : qmp::printable(vm_.run_state),
                  vm_.migration ? qmp::printable(vm_.migration->status) : "none");
  auto& record = found->second;
  attach_last_messages(record);
  record.recorder.note(standing);
  record.recorder.close(d.outcome);
  if (shared_.meter.incident_closed) shared_.meter.incident_closed(record.condition, d.outcome);
  shared_.hub.publish("closed", name_, fmt::format("incident closed: {}. {}", d.outcome, standing),
                      {{"outcome", d.outcome}, {"condition", record.condition}});
  spdlog::warn("{}: {}: incident closed: {}. {}", name_, record.condition, d.outcome, standing);
  const bool of_a_stall = record.condition == "monitor-stalled";
  records_.erase(found);
  if (!gone_ && of_a_stall) verdict_.reset();
  if (of_a_stall) signatures_.clear();
}

void vm_watcher::take_up(const policies::incident& open) {
  policies::record so_far{.on_record = open.steps.size()};
  for (const auto& s : open.steps) {
    const bool begun = s.result.empty() || s.result == "done" || s.result.starts_with("failed");
    if (!begun) continue;
    policies::step step{.action = s.action, .arguments = s.arguments, .undo = s.undo};
    if (s.result.empty()) so_far.unknown.push_back(step);
    so_far.begun.push_back(std::move(step));
  }
  const auto& all = *shared_.policies;
  auto by = std::ranges::find(all, open.policy, &policies::policy::name);
  if (by == all.end()) {  // renamed, or of an earlier version: the first that is about this condition
    by = std::ranges::find_if(all, [&](const auto& p) { return to_string(p.condition) == open.condition; });
  }
  if (by == all.end()) {
    begin_record(open.id, open.condition).recorder.take_up(open.id);
    carry_out(open.id, policies::add_note{"No policy in force goes on with it."});
    return carry_out(open.id, policies::close_incident{"observed"});
  }
  const auto run = engine_.resume(*by, open.subject, so_far);
  auto& record = begin_record(run, open.condition);
  record.recorder.take_up(open.id);
  shared_.hub.publish("note", name_, "takes up the incident " + open.id + " of an earlier run");
  spdlog::warn("{}: takes up the incident {} of an earlier run, {} steps on record", name_, open.id,
               open.steps.size());
}

}  // namespace unwedge::watch
