#include "daemon/watch/vm_incidents.hpp"

#include "daemon/watch/evidence_json.hpp"
#include "daemon/watch/signature_json.hpp"
#include "daemon/watch/verdict_json.hpp"
#include "policies/sentence.hpp"
#include "qmp/printable.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace unwedge::watch {
namespace {

constexpr std::string_view of_a_stall = "monitor-stalled";

policies::instant now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

vm_incidents::open_record& vm_incidents::begin(const std::string& run, std::string condition) {
  records_.erase(run);
  open_record fresh{incident_recorder(vm_.shared.executor, vm_.shared.store), std::move(condition), now()};
  return records_.emplace(run, std::move(fresh)).first->second;
}

incident_recorder* vm_incidents::of(const std::string& run) {
  const auto found = records_.find(run);
  return found == records_.end() ? nullptr : &found->second.recorder;
}

std::string vm_incidents::first_run() const {
  const auto first = std::ranges::min_element(records_, {}, [](const auto& r) { return r.second.since; });
  return first == records_.end() ? "" : first->first;
}

std::string vm_incidents::first_id() const {
  const auto first = records_.find(first_run());
  return first == records_.end() ? "" : first->second.recorder.id();
}

std::string vm_incidents::ask_for_stacks() {
  for (auto& [run, record] : records_) {
    if (record.condition != of_a_stall || record.stacks_asked) continue;
    record.stacks_asked = true;
    return run;
  }
  return "";
}

boost::json::object vm_incidents::verdict_json(const policies::verdict& v) const {
  auto o = to_json(v, vm_.model);
  if (!signatures_.empty()) o["signatures"] = to_json(std::span(signatures_));
  return o;
}

void vm_incidents::carry_out(const std::string& run, policies::open_incident d) {
  const auto& c = d.condition;
  const auto condition = std::string(to_string(c.kind));
  auto& record = begin(run, condition);
  record.recorder.open({.vm = vm_.name,
                        .condition = condition,
                        .policy = d.policy,
                        .subject = c.subject,
                        .why = c.why,
                        .pid = process_.held ? process_.held->pid() : 0,
                        .started = process_.held ? process_.held->start_time() : 0,
                        .verdict = d.verdict ? boost::json::value(to_json(*d.verdict, vm_.model)) : nullptr});
  record.recorder.attach("evidence.json", evidence_json(stall_.suspicion().samples(), vm_.model));
  record.history_left_out = papers_.first_messages(record.recorder);
  papers_.host(record.recorder, d.policy);
  boost::json::object more{{"condition", condition}, {"policy", d.policy}};
  if (d.verdict) {
    more["kind"] = to_string(d.verdict->kind);
    if (vm_.shared.meter.verdict_reached) vm_.shared.meter.verdict_reached(to_string(d.verdict->kind));
  }
  vm_.shared.hub.publish(d.verdict ? "verdict" : "condition", vm_.name, c.why, std::move(more));
  spdlog::warn("{}: {}: {}", vm_.name, condition, c.why);
}

void vm_incidents::carry_out(const std::string& run, policies::amend_verdict d) {
  const auto sentence = policies::sentence(d.verdict, vm_.model);
  if (auto* recorder = of(run)) {
    recorder->verdict(verdict_json(d.verdict));
    recorder->attach("evidence.json", evidence_json(stall_.suspicion().samples(), vm_.model));
  }
  if (vm_.shared.meter.verdict_reached) vm_.shared.meter.verdict_reached(to_string(d.verdict.kind));
  vm_.shared.hub.publish("verdict", vm_.name, sentence, {{"kind", to_string(d.verdict.kind)}});
  spdlog::warn("{}: now: {}", vm_.name, sentence);
}

void vm_incidents::carry_out(const std::string& run, policies::record_step d) {
  const auto text =
      fmt::format("{} {}: {}", d.step.action, boost::json::serialize(d.step.arguments), d.result);
  if (vm_.shared.meter.step_ended) vm_.shared.meter.step_ended(d.step.action, d.result);
  vm_.shared.hub.publish("step", vm_.name, "would have done: " + text,
                         {{"result", d.result}, {"policy", run}});
  spdlog::warn("{}: not done, {} (authority {}): {}", vm_.name, d.result, to_string(vm_.allowed()), text);
  if (auto* recorder = of(run)) recorder->step_not_taken(std::move(d.step), std::move(d.result));
}

void vm_incidents::carry_out(const std::string& run, policies::add_note d) {
  d.text = qmp::printable(d.text);
  vm_.shared.hub.publish("note", vm_.name, d.text);
  spdlog::warn("{}: {}", vm_.name, d.text);
  if (auto* recorder = of(run)) recorder->note(std::move(d.text));
}

void vm_incidents::carry_out(const std::string& run, policies::close_incident d) {
  const auto found = records_.find(run);
  if (found == records_.end()) return;
  const auto& model = vm_.model;
  const auto standing = fmt::format("Now: run state {}, migration {}.",
                                    process_.gone ? "gone" : qmp::printable(model.run_state),
                                    model.migration ? qmp::printable(model.migration->status) : "none");
  auto& record = found->second;
  papers_.last_messages(record.recorder, record.history_left_out);
  record.recorder.note(standing);
  record.recorder.close(d.outcome);
  if (vm_.shared.meter.incident_closed) vm_.shared.meter.incident_closed(record.condition, d.outcome);
  vm_.shared.hub.publish("closed", vm_.name, fmt::format("incident closed: {}. {}", d.outcome, standing),
                         {{"outcome", d.outcome}, {"condition", record.condition}});
  spdlog::warn("{}: {}: incident closed: {}. {}", vm_.name, record.condition, d.outcome, standing);
  const bool stall = record.condition == of_a_stall;
  records_.erase(found);
  if (!process_.gone && stall) stall_.drop_verdict();
  if (stall) signatures_.clear();
}

void vm_incidents::close_all(const std::string& outcome) {
  while (!records_.empty())
    carry_out(std::string(records_.begin()->first), policies::close_incident{outcome});
}

void vm_incidents::note_in_all(const std::string& text) {
  for (auto& [run, record] : records_) carry_out(run, policies::add_note{text});
}

void vm_incidents::open_for_operator(const std::string& run, std::string why) {
  begin(run, run).recorder.open({.vm = vm_.name,
                                 .condition = run,
                                 .policy = "",
                                 .subject = "",
                                 .why = std::move(why),
                                 .pid = process_.held->pid(),
                                 .started = process_.held->start_time(),
                                 .verdict = nullptr});
}

void vm_incidents::take_up(const policies::incident& open, policies::engine& by_engine) {
  policies::record so_far{.on_record = open.steps.size()};
  for (const auto& s : open.steps) {
    const bool begun = s.result.empty() || s.result == "done" || s.result.starts_with("failed");
    if (!begun) continue;
    policies::step step{.action = s.action, .arguments = s.arguments, .undo = s.undo};
    if (s.result.empty()) so_far.unknown.push_back(step);
    so_far.begun.push_back(std::move(step));
  }
  const auto& all = *vm_.shared.policies;
  auto by = std::ranges::find(all, open.policy, &policies::policy::name);
  if (by == all.end()) {  // renamed, or of an earlier version: the first that is about this condition
    by = std::ranges::find_if(all, [&](const auto& p) { return to_string(p.condition) == open.condition; });
  }
  if (by == all.end()) {
    begin(open.id, open.condition).recorder.take_up(open.id);
    carry_out(open.id, policies::add_note{"No policy in force goes on with it."});
    return carry_out(open.id, policies::close_incident{"observed"});
  }
  const auto run = by_engine.resume(*by, open.subject, so_far);
  auto& record = begin(run, open.condition);
  record.recorder.take_up(open.id);
  vm_.shared.hub.publish("note", vm_.name, "takes up the incident " + open.id + " of an earlier run");
  spdlog::warn("{}: takes up the incident {} of an earlier run, {} steps on record", vm_.name, open.id,
               open.steps.size());
}

}  // namespace unwedge::watch
