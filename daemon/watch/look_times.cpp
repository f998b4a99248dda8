#include "daemon/watch/look_times.hpp"

#include <algorithm>

namespace unwedge::watch {
namespace {

using namespace std::chrono_literals;

/// A migration decides a VM's fate within a second: while one runs, or a job does, probes are four times as
/// frequent.
constexpr int risk_factor = 4;

/// A well VM is looked at once a minute, so that a disk that stands still is seen while QMP answers; one
/// whose fate a migration decides beside a mirror, four times a second.
policies::duration between_samples(const watched_vm& vm, const policies::io_health& io) {
  if (vm.migrates() && !vm.model.jobs.empty()) return 250ms;
  if (!vm.model.jobs.empty()) return 1s;
  return io.waits() ? 5s : 60s;
}

}  // namespace

/// Never later than the interval, and on a grid, so that many VMs are probed in one go: waking up a thousand
/// times a second costs more than the probes.
void look_times::probed(policies::instant now) {
  const policies::duration interval =
      vm_.shared.settings->probe.interval / (policies::at_risk(vm_.model) ? risk_factor : 1);
  const auto grid = std::min<policies::duration>(50ms, interval / 4);
  const auto due = (now + interval).time_since_epoch();
  next_probe_ = policies::instant(due - due % grid);
}

policies::instant look_times::sample_at() const {
  return std::max(process_.undisturbed_until,
                  stall_.active() ? stall_.suspicion().next_sample_at() : next_sample_);
}

void look_times::sampled(policies::instant now) {
  next_sample_ = now + between_samples(vm_, stall_.io());
}

bool look_times::risk_has_changed() const {
  return vm_.migrates() != was_migrating_ || policies::at_risk(vm_.model) != was_at_risk_;
}

/// The guard of a switchover has milliseconds.
bool look_times::note_risk(policies::instant now) {
  const bool risk = policies::at_risk(vm_.model), before = was_at_risk_;
  if (risk && !before) next_probe_ = next_sample_ = now;
  if (vm_.migrates() && !was_migrating_) next_sample_ = now;  // are the targets of its mirrors alive?
  was_at_risk_ = risk;
  was_migrating_ = vm_.migrates();
  return risk || before;
}

policies::instant look_times::next_wake(policies::instant now, bool may_sample) const {
  auto wake = next_probe_;
  if (may_sample) wake = std::min(wake, sample_at());
  if (const auto& since = vm_.model.monitor.waiting_since; since && !stall_.active())
    wake = std::min(wake, *since + vm_.shared.settings->probe.late_after);
  return std::max(wake, now + 1ms);
}

}  // namespace unwedge::watch
