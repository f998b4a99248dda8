#include "policies/progress.hpp"

#include "policies/connections.hpp"
#include "policies/thread_role.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace unwedge::policies {
namespace {

std::uint64_t times_woken(samples_view samples, pid_t tid) {
  const auto* first = find_thread(samples.front(), tid);
  const auto* last = find_thread(samples.back(), tid);
  return first == nullptr || last == nullptr ? 0 : last->context_switches - first->context_switches;
}

bool same_first_wait(const process_facts& facts, const thread_facts& main) {
  if (facts.threads.empty()) return false;
  const auto& then = facts.threads.front();
  return then.tid == main.tid && then.waits_for && then.waits_for->address == main.waits_for->address &&
         then.waits_for->owner == main.waits_for->owner && then.context_switches == main.context_switches;
}

}  // namespace

std::uint64_t bytes_moved(samples_view samples) {
  const auto &first = samples.front(), &last = samples.back();
  return last.written - first.written + last.read - first.read;
}

bool only_notifications(samples_view samples) {
  constexpr double a_second = 4'096;
  const auto seconds = std::chrono::duration<double>(samples.back().at - samples.front().at).count();
  return static_cast<double>(bytes_moved(samples)) <= a_second * std::max(seconds, 1.0);
}

std::optional<std::string> progress(samples_view samples, const wait_chain& chain, double busy_share) {
  for (const auto* t : chain.threads) {
    const auto share = cpu_share(samples, t->tid);
    if (share > busy_share) return fmt::format("{} used {:.0f} % of a CPU.", label(*t), share * 100);
  }
  const auto& end = chain.end();
  const auto bytes = bytes_moved(samples);
  const bool of_files = end.io_fd && find_socket(samples.back(), *end.io_fd) == nullptr;
  if (of_files && times_woken(samples, end.tid) > 0 && bytes > 0) {
    return fmt::format("{} reads or writes files, {} bytes since the first sample.", label(end), bytes);
  }
  return std::nullopt;
}

bool spins(samples_view all, const wait_chain& chain, double busy_share) {
  const auto& main = *chain.threads.front();
  if (chain.threads.size() < 2 || chain.cycle || chain.broken || !main.waits_for) return false;
  const bool held = std::ranges::all_of(all, [&](const auto& f) { return same_first_wait(f, main); });
  return held && cpu_share(all, chain.end().tid) > busy_share && only_notifications(all);
}

bool drains(samples_view samples, const thread_facts& waiter) {
  return times_woken(samples, waiter.tid) > 0 && !only_notifications(samples);
}

double starved_share(samples_view samples, pid_t tid) {
  const auto* first = find_thread(samples.front(), tid);
  const auto* last = find_thread(samples.back(), tid);
  const std::chrono::nanoseconds passed = samples.back().at - samples.front().at;
  if (first == nullptr || last == nullptr || passed.count() <= 0) return 0;
  if (last->waited_for_cpu_ns < first->waited_for_cpu_ns) return 0;
  const auto waited = static_cast<double>(last->waited_for_cpu_ns - first->waited_for_cpu_ns);
  return std::min(1.0, waited / static_cast<double>(passed.count()));
}

const thread_facts* starving_worker(samples_view samples, const thread_facts& waiter) {
  constexpr double much = 0.2;
  const auto& facts = samples.back();
  for (const auto& t : facts.threads) {
    if (t.tid == facts.pid || t.tid == waiter.tid) continue;
    const auto role = role_by_name(t.comm, facts.threads.front().comm);
    if (role == thread_role::vcpu || role == thread_role::monitor) continue;
    if (starved_share(samples, t.tid) >= much) return &t;
  }
  return nullptr;
}

}  // namespace unwedge::policies
