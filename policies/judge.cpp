#include "policies/judge.hpp"

#include "policies/progress.hpp"
#include "policies/pulse.hpp"
#include "policies/verdicts/verdicts.hpp"
#include "policies/wait_chain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace unwedge::policies {
namespace {

/// The latest samples that suffice: a process that was at work before and is stuck now counts from when it
/// got stuck. Empty: it was not looked at for long enough.
samples_view latest(samples_view samples, const judge_settings& s) {
  const auto watched = s.watched > duration::zero() ? s.watched : s.patience / 2;
  for (std::size_t count = s.min_samples; count <= samples.size(); ++count) {
    const auto some = samples.last(count);
    if (some.back().at - some.front().at >= watched) return some;
  }
  return {};
}

bool same_throughout(samples_view samples, const wait_chain& last) {
  return std::ranges::all_of(
      samples, [&](const process_facts& f) { return !f.threads.empty() && same_wait(follow(f), last); });
}

/// Samples over so much longer that what they show throughout is no matter of chance.
samples_view for_long(samples_view all, instant since, const judge_settings& s) {
  const bool long_enough =
      all.back().at - since >= 2 * s.patience && all.back().at - all.front().at >= s.patience;
  return long_enough ? all : samples_view{};
}

/// The main loop sleeps in its own poll, in every sample: it would answer if it were asked. That it is woken
/// by other things is no matter.
bool idles_throughout(samples_view all) {
  return !all.empty() && std::ranges::all_of(all, main_loop_idles);
}

}  // namespace

std::optional<verdict> judge(samples_view all, const vm_model& vm, instant since,
                             const judge_settings& settings) {
  if (all.empty()) return std::nullopt;
  const auto& last = all.back();
  verdict v;
  v.since = since;
  v.at = last.at;
  if (!last.alive) {
    v.kind = verdict_kind::gone;
    v.reasons.emplace_back("The process has ended.");
    return v;
  }
  if (last.threads.empty() || last.threads.front().tid != last.pid)
    return std::nullopt;  // no main thread seen
  if (last.at - since < settings.patience) return std::nullopt;
  if (auto state = judge_state(last, v)) return state;
  const auto samples = latest(all, settings);
  if (samples.empty()) return std::nullopt;
  const auto chain = follow(last);
  const auto of_long = for_long(all, since, settings);
  if (auto at_work = progress(samples, chain, settings.busy_share)) {
    if (!of_long.empty() && spins(of_long, chain, settings.busy_share))
      return judge_spinning(of_long, vm, chain, v);
    return judge_at_work(std::move(*at_work), chain, samples, settings, v);
  }
  if (vm.monitor.ready && idles_throughout(of_long)) {
    v.kind = verdict_kind::monitor_only;
    v.reasons.emplace_back("The main thread sleeps in its own poll, as an idle main loop does.");
    return v;
  }
  if (!same_throughout(samples, chain)) return std::nullopt;
  return judge_wait(samples, vm, chain, v);
}

std::string undecided(samples_view samples, const vm_model& vm) {
  if (samples.empty() || samples.back().threads.empty()) return "No evidence from the process yet.";
  const auto& facts = samples.back();
  const auto& main = facts.threads.front();
  if (!facts.missing.empty()) return "Evidence is missing: " + facts.missing.front() + ".";
  if (!main.syscall) return "What the main thread does could not be read.";
  return fmt::format(
      "The main thread is in system call {} (state {}); {}.", main.syscall->number, main.state,
      vm.monitor.oob ? "no wait is proven" : "no wait is proven, and there is no out-of-band channel");
}

}  // namespace unwedge::policies
