#include "daemon/watch/stop_traces.hpp"

#include "policies/wait_chain.hpp"

#include <algorithm>

namespace unwedge::watch {
namespace {

/// Into the stop, and out of it: measured, and never another number.
constexpr std::uint64_t switches_of_a_stop = 2;

}  // namespace

void stop_traces::begin() {
  running_ = true;
  ended_.reset();
  begun_ += switches_of_a_stop;
}

void stop_traces::end(policies::instant at) {
  running_ = false;
  ended_ = at;
}

void stop_traces::take_out_of(policies::process_facts& facts, const policies::process_facts* before) {
  if (before != nullptr && running_) hide_tracer(facts, *before);
  if (begun_ == 0 && threads_.empty()) return;
  std::map<pid_t, thread> still;
  for (auto& t : facts.threads) {
    const auto known = threads_.find(t.tid);
    auto mine = known == threads_.end() ? thread{} : known->second;
    mine.owed += begun_;
    if (t.context_switches < mine.taken) continue;  // another thread has the number
    t.context_switches -= mine.taken;
    const auto* was = before == nullptr ? nullptr : policies::find_thread(*before, t.tid);
    if (was != nullptr && t.context_switches > was->context_switches) {
      const auto ours = std::min(mine.owed, t.context_switches - was->context_switches);
      t.context_switches -= ours;
      mine.taken += ours;
      mine.owed -= ours;
    }
    // A sample that began after the end has seen all of it: what did not show by now never was.
    if (ended_ && facts.at >= *ended_) mine.owed = 0;
    if (mine.taken != 0 || mine.owed != 0) still.emplace(t.tid, mine);
  }
  threads_ = std::move(still);
  begun_ = 0;
}

/// A process has one tracer at most: while ours may be it, and none was there before, it is ours.
void stop_traces::hide_tracer(policies::process_facts& facts, const policies::process_facts& before) const {
  if (before.tracer == 0) facts.tracer = 0;
  for (auto& t : facts.threads) {
    const auto* was = policies::find_thread(before, t.tid);
    if (t.state == 't' && was != nullptr && was->state != 't') t.state = was->state;
  }
}

}  // namespace unwedge::watch
