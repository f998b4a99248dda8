#include "policies/progress.hpp"
#include "policies/verdicts/verdicts.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace unwedge::policies {
namespace {

/// A READY mirror looks for dirty sectors ten times a second (BLOCK_JOB_SLICE_TIME), in whatever thread polls
/// its AioContext: it wakes a waiter that nothing else wakes. What it would do, it would do to the
/// connection, which is silent; bytes that go elsewhere are still a sign of work.
bool woken_by_a_ready_mirror(samples_view samples, std::uint64_t times, const verdict& v,
                             const vm_model& vm) {
  if (!v.root || v.root->type != wait_root::kind::block_node || !v.root->silent_for) return false;
  const bool ready = std::ranges::any_of(vm.jobs, [&](const auto& j) {
    const auto& [id, job] = j;
    return job.target == v.root->name && (job.status == "ready" || job.status == "standby");
  });
  constexpr double most_a_second = 15;
  const auto seconds = std::chrono::duration<double>(samples.back().at - samples.front().at).count();
  return ready && static_cast<double>(times) <= most_a_second * seconds && only_notifications(samples);
}

}  // namespace

void doubt_if_woken(samples_view samples, const thread_facts& waiter, const vm_model& vm, verdict& v) {
  const auto* before = find_thread(samples.front(), waiter.tid);
  if (before == nullptr || before->context_switches == waiter.context_switches) return;
  const auto times = waiter.context_switches - before->context_switches;
  if (woken_by_a_ready_mirror(samples, times, v, vm)) {
    v.reasons.push_back(
        fmt::format("{} was woken {} times meanwhile, by the READY mirror's timer; nothing moved.",
                    label(waiter), times));
    return;
  }
  v.certain = false;
  if (!waiter.io_fd && drains(samples, waiter)) {
    v.kind = verdict_kind::main_loop_busy;
    v.reasons.push_back(
        fmt::format("{} was woken {} times and {} bytes were read or written meanwhile: its "
                    "I/O goes on.",
                    label(waiter), times, bytes_moved(samples)));
    return;
  }
  v.reasons.push_back(
      fmt::format("{} was woken {} times meanwhile: something still moves.", label(waiter), times));
}

}  // namespace unwedge::policies
