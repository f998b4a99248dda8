#include "policies/judge.hpp"

#include "policies/progress.hpp"
#include "policies/pulse.hpp"
#include "policies/wait_chain.hpp"
#include "policies/wait_roots.hpp"

#include <fmt/format.h>

#include <algorithm>

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

/// QEMU's main loop polls its signalfd whenever it is idle; a poll without it is a nested one (aio_poll),
/// which waits for one thing and runs nothing else.
enum class poll_kind { nested, main_loops_own, unknown };

poll_kind poll_of(const process_facts& facts, const thread_facts& t) {
  if (!facts.has_signalfd || t.polled_fds.empty()) return poll_kind::unknown;
  bool all_known = true;
  for (const int fd : t.polled_fds) {
    const auto file = std::ranges::find(facts.files, fd, &file_facts::fd);
    if (file != facts.files.end() && file->what == file_facts::kind::signalfd)
      return poll_kind::main_loops_own;
    const bool socket = std::ranges::find(facts.sockets, fd, &socket_facts::fd) != facts.sockets.end();
    all_known = all_known && (socket || file != facts.files.end());
  }
  return all_known ? poll_kind::nested
                   : poll_kind::unknown;  // one that was not looked at may be the signalfd
}

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

/// A thread that was woken and sleeps again in the same call has done something: a drain that goes on, though
/// slowly. One that waits for what never comes is not woken at all (measured on QEMU 7.2 and 10.0: not once
/// in seconds), but for a timer.
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

/// What keeps a whole process from running, whatever it was at.

std::optional<verdict> judge_state(const process_facts& facts, verdict v) {
  const auto& main = facts.threads.front();
  if (facts.tracer != 0 || main.state == 't') {
    v.kind = verdict_kind::traced;
    v.reasons.push_back(fmt::format("Process {} traces it.", facts.tracer));
    return v;
  }
  if (facts.frozen_in) {
    v.kind = verdict_kind::frozen;
    v.reasons.push_back(fmt::format("Its cgroup {} is frozen.", *facts.frozen_in));
    return v;
  }
  if (main.state == 'T') {
    v.kind = verdict_kind::stopped;
    v.reasons.emplace_back("The process is stopped by a signal (state T).");
    return v;
  }
  return std::nullopt;
}

/// Who waits for whom, from the main thread on.
void tell_chain(const wait_chain& chain, verdict& v) {
  for (const auto* t : chain.threads) {
    if (!t->waits_for) continue;
    v.reasons.push_back(fmt::format("{} waits for the mutex at {:#x}, held by tid {}.", label(*t),
                                    t->waits_for->address, t->waits_for->owner));
  }
  const auto& main = *chain.threads.front();
  v.other_lock = main.waits_for && main.waits_for->outside_program;
  if (chain.threads.size() > 1) v.holder = lock_holder{chain.threads[1]->tid, chain.threads[1]->comm};
}

/// What a drain waits for is done by another thread, which gets no CPU: niced, or on a host that starves.
verdict at_work_but_starved(samples_view samples, const thread_facts& worker, verdict v) {
  v.kind = verdict_kind::main_loop_busy;
  v.reasons.push_back(fmt::format("{} could have run for {:.0f} % of the time and got no CPU.", label(worker),
                                  starved_share(samples, worker.tid) * 100));
  return v;
}

std::optional<verdict> judge_wait(samples_view samples, const vm_model& vm, const wait_chain& chain,
                                  verdict v) {
  const auto& facts = samples.back();
  const auto& end = chain.end();
  const bool main_itself = chain.threads.size() == 1;
  tell_chain(chain, v);
  v.kind = main_itself ? verdict_kind::main_loop_waits : verdict_kind::bql_held;
  if (chain.cycle) {
    v.kind = verdict_kind::lock_cycle;
    return v;
  }
  if (chain.broken || !end.sleeping || !end.syscall) return std::nullopt;
  if (end.io_fd) {
    find_blocking_root(samples, end, vm, v);
  } else if (!end.polled_fds.empty()) {
    if (main_itself && poll_of(facts, end) != poll_kind::nested) return std::nullopt;
    if (const auto* worker = starving_worker(samples, end)) return at_work_but_starved(samples, *worker, v);
    find_polled_root(samples, end, vm, v);
  } else {
    if (main_itself) return std::nullopt;
    find_parked_root(facts, end, v);
  }
  doubt_if_woken(samples, end, vm, v);
  return v;
}

verdict judge_spinning(samples_view all, const vm_model& vm, const wait_chain& chain, verdict v) {
  tell_chain(chain, v);
  v.kind = verdict_kind::bql_held;
  v.reasons.push_back(
      fmt::format("{} used {:.0f} % of a CPU, read and wrote nothing and did not let go once.",
                  label(chain.end()), cpu_share(all, chain.end().tid) * 100));
  find_spinning_root(all, chain.end(), vm, v);
  return v;
}

/// The main loop sleeps in its own poll, in every sample: it would answer if it were asked. That it is woken
/// by other things is no matter.
bool idles_throughout(samples_view all) {
  return !all.empty() && std::ranges::all_of(all, main_loop_idles);
}

verdict judge_at_work(std::string at_work, const wait_chain& chain, samples_view samples,
                      const judge_settings& settings, verdict v) {
  v.kind = verdict_kind::main_loop_busy;
  if (chain.threads.size() > 1) v.holder = lock_holder{chain.threads[1]->tid, chain.threads[1]->comm};
  v.reasons.push_back(std::move(at_work));
  const auto starved = starved_share(samples, chain.end().tid);
  constexpr double much = 0.2;
  if (starved < much) return v;
  v.reasons.push_back(
      fmt::format("For {:.0f} % of the time it could have run and got no CPU.", starved * 100));
  if (settings.host_starved.empty()) return v;
  v.kind = verdict_kind::host_starved;
  v.reasons.push_back(std::string(settings.host_starved) + ".");
  return v;
}

}  // namespace

bool main_loop_idles(const process_facts& f) {
  return !f.threads.empty() && f.threads.front().tid == f.pid && f.threads.front().state == 'S' &&
         !f.frozen_in && f.tracer == 0 && poll_of(f, f.threads.front()) == poll_kind::main_loops_own;
}

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
