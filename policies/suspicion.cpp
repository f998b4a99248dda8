#include "policies/suspicion.hpp"

#include <algorithm>

namespace unwedge::policies {
namespace {

constexpr std::size_t samples_kept = 8;

/// Five samples from the moment that a probe is late to the end of the patience; then ever more seldom, since
/// a stall that is hours old needs no sample a second.
duration cadence(duration age, const probe_settings& s) {
  const duration until_verdict =
      std::max<duration>(s.patience - s.late_after, std::chrono::milliseconds(400)) / 4;
  return std::clamp<duration>(age / 10, until_verdict,
                              std::max<duration>(until_verdict, std::chrono::seconds(10)));
}

/// What surely lies between the first sample and the end of the patience: the stall is taken to have begun up
/// to half a second before the late request was sent, and a sample takes its time.
duration watched_for(const probe_settings& s) {
  constexpr std::chrono::milliseconds slack{600}, least{300};
  return std::min<duration>(s.patience / 2, std::max<duration>(s.patience - s.late_after - slack, least));
}

}  // namespace

std::optional<instant> stalled_since(const monitor_state& m) {
  if (!m.waiting_since) return std::nullopt;
  if (!m.last_reply || *m.last_reply >= *m.waiting_since) return m.waiting_since;
  // A reply of long ago (a long interval, an earlier session) says nothing of when the stall began.
  constexpr duration most = std::chrono::milliseconds(500);
  return *m.waiting_since - std::min<duration>((*m.waiting_since - *m.last_reply) / 2, most);
}

void suspicion::update(const vm_model& vm, instant now, const probe_settings& settings) {
  const auto& waiting = vm.monitor.waiting_since ? vm.monitor.waiting_since : vm.quiet_since;
  const auto& answered = vm.monitor.last_reply;
  if (!waiting || (since_ && answered && *answered > *since_)) clear();
  if (active() || !waiting || now - *waiting < settings.late_after) return;
  since_ = vm.monitor.waiting_since ? stalled_since(vm.monitor) : vm.quiet_since;
  next_sample_ = now;
}

void suspicion::add(process_facts facts, const probe_settings& settings) {
  if (!active()) return;
  const auto at = facts.at;
  samples_.push_back(std::move(facts));
  if (samples_.size() > samples_kept) samples_.erase(samples_.begin());
  next_sample_ = at + cadence(at - *since_, settings);
  // One sample exactly when the patience ends, so that the verdict is not late by a cadence.
  const auto patience_ends = *since_ + settings.patience;
  if (at < patience_ends) next_sample_ = std::min(next_sample_, patience_ends);
}

std::optional<verdict> suspicion::judge(const vm_model& vm, const probe_settings& settings,
                                        std::string_view host_starved) const {
  if (!active()) return std::nullopt;
  return policies::judge(
      samples_, vm, *since_,
      {.patience = settings.patience, .watched = watched_for(settings), .host_starved = host_starved});
}

std::string suspicion::undecided(const vm_model& vm) const {
  return policies::undecided(samples_, vm);
}

void suspicion::clear() {
  since_.reset();
  samples_ = {};  // an idle VM keeps no memory for it
}

}  // namespace unwedge::policies
