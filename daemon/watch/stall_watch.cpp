#include "daemon/watch/stall_watch.hpp"

#include "policies/peer_names.hpp"

#include <algorithm>

namespace unwedge::watch {
namespace {

policies::instant now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

void stall_watch::review(policies::instant at) {
  if (process_.gone) return;  // its verdict is final
  if (vm_.lent) return;       // that it answers meanwhile is no sign of health
  const bool before = suspicion_.active();
  suspicion_.update(vm_.model, at, vm_.shared.settings->probe);
  if (!suspicion_.active()) tried_.clear();
  if (suspicion_.active() && !before) {
    vm_.shared.hub.publish("suspect", vm_.name, "no answer from the main loop, looking for the cause");
  } else if (!suspicion_.active() && before && !monitor_.session()) {
    verdict_.reset();
  } else if (!suspicion_.active() && before) {
    verdict_.reset();
    vm_.shared.hub.publish("answers", vm_.name, "the main loop answers again");
    monitor_.want({.status = true, .jobs = true, .migration = true});  // know at once how it stands
  }
  vm_.driver.note_state();
}

void stall_watch::use(policies::process_facts facts) {
  process_.traces.take_out_of(facts, suspicion_.samples().empty() ? nullptr : &suspicion_.samples().back());
  policies::tell_named_peers(vm_.model, facts);
  io_.add(facts, vm_.model);
  if (!suspicion_.active()) return;
  if (!monitor_.session() && policies::main_loop_idles(facts)) {
    pulse_.found_idle();
    vm_.model.quiet_since.reset();
    return review(now());
  }
  const auto& probe = vm_.shared.settings->probe;
  suspicion_.add(std::move(facts), probe);
  if (auto v = suspicion_.judge(vm_.model, probe, vm_.shared.host_starved)) {
    verdict_ = std::move(v);
  } else if (verdict_ && now() - verdict_->at > probe.patience) {
    verdict_.reset();  // what was seen last does not bear it out any more
  }
}

void stall_watch::use(const policies::thread_facts& main, policies::instant at) {
  pulse_.add(main, at);
  vm_.model.quiet_since = pulse_.quiet_since();
}

void stall_watch::forget_pulse() {
  pulse_ = {};
  vm_.model.quiet_since.reset();
}

void stall_watch::forget_samples() {
  suspicion_ = {};
  process_.traces = {};
}

void stall_watch::forget() {
  io_ = {};
  suspicion_ = {};
  pulse_ = {};
  verdict_.reset();
  tried_.clear();
}

bool stall_watch::was_tried(std::string_view remedy) const {
  return std::ranges::find(tried_, remedy) != tried_.end();
}

}  // namespace unwedge::watch
