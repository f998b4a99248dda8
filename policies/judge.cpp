#include "policies/judge.hpp"

#include "policies/connections.hpp"
#include "policies/wait_chain.hpp"

#include <fmt/format.h>

#include <sys/syscall.h>

#include <algorithm>
#include <array>

namespace unwedge::policies {
namespace {

using samples_view = std::span<const process_facts>;

bool is_send(long number) {
  constexpr std::array calls{SYS_sendmsg, SYS_sendto, SYS_write, SYS_writev, SYS_sendmmsg};
  return std::ranges::find(calls, number) != calls.end();
}

std::string label(const thread_facts& t) {
  return fmt::format("{} (tid {})", t.comm, t.tid);
}

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

/// A thread of the chain that runs, or the main thread's file I/O that goes on: the process is at work.
std::optional<std::string> progress(samples_view samples, const wait_chain& chain, const judge_settings& s) {
  for (const auto* t : chain.threads) {
    const auto share = cpu_share(samples, t->tid);
    if (share > s.busy_share) return fmt::format("{} used {:.0f} % of a CPU.", label(*t), share * 100);
  }
  const auto& end = chain.end();
  const auto* before = find_thread(samples.front(), end.tid);
  const bool moved = before != nullptr && before->context_switches != end.context_switches;
  const auto bytes =
      samples.back().written - samples.front().written + samples.back().read - samples.front().read;
  if (end.io_fd && moved && bytes > 0 && find_socket(samples.back(), *end.io_fd) == nullptr) {
    return fmt::format("{} reads or writes files, {} bytes since the first sample.", label(end), bytes);
  }
  return std::nullopt;
}

/// QEMU's main loop polls its signalfd whenever it is idle; a poll without it is a nested one (aio_poll),
/// which waits for one thing and runs nothing else.
bool polls_nested(const process_facts& facts, const thread_facts& t) {
  const auto is_signalfd = [&](int fd) {
    return std::ranges::any_of(
        facts.files, [&](const file_facts& f) { return f.fd == fd && f.what == file_facts::kind::signalfd; });
  };
  const auto is_known = [&](int fd) {
    return find_socket(facts, fd) != nullptr ||
           std::ranges::find(facts.files, fd, &file_facts::fd) != facts.files.end();
  };
  // One that could not be looked at may be the signalfd.
  return facts.has_signalfd && !t.polled_fds.empty() && std::ranges::all_of(t.polled_fds, is_known) &&
         std::ranges::none_of(t.polled_fds, is_signalfd);
}

/// A thread that sends on a migration stream has one of these names (qemu-facts section 6).
bool is_migration_thread(const thread_facts& t) {
  return t.comm == "live_migration" || t.comm.starts_with("mig/src/main");
}

/// Without debug-threads every thread bears the process's name: it may be the migration's then.
bool may_be_migration_thread(const thread_facts& t, const thread_facts& main, const vm_model& vm) {
  return t.tid != main.tid && t.comm == main.comm && vm.migration && is_running(*vm.migration);
}

wait_root blocking_socket_root(samples_view samples, const socket_facts& s, const thread_facts& waiter,
                               const vm_model& vm) {
  wait_root root{
      .type = wait_root::kind::socket, .name = "", .peer = s.peer, .silent_for = silence(samples, s)};
  const auto nodes = nodes_with_peer(vm, s.peer);
  if (nodes.size() == 1) {
    root.type = wait_root::kind::block_node;
    root.name = nodes.front();
    root.job_target = vm.nodes.find(nodes.front())->second.job_target;
  } else if (nodes.empty() && (is_migration_thread(waiter) ||
                               may_be_migration_thread(waiter, samples.back().threads.front(), vm))) {
    root.type = wait_root::kind::migration;
    root.name = "migration";
  }
  return root;
}

void judge_blocking_io(samples_view samples, const thread_facts& waiter, const vm_model& vm, verdict& v) {
  const auto& facts = samples.back();
  if (const auto* s = find_socket(facts, *waiter.io_fd)) {
    v.root = blocking_socket_root(samples, *s, waiter, vm);
    const bool known = v.root->type == wait_root::kind::block_node || is_migration_thread(waiter);
    v.certain = known && v.root->type != wait_root::kind::socket && v.root->silent_for.has_value();
    v.sending = s->send_queue > 0 && waiter.syscall && is_send(waiter.syscall->number);
    v.sends_state = v.sending && waiter.unsent == unsent::vm_state;
    v.reasons.push_back(fmt::format("{} is blocked {} the connection to {}, {} bytes not taken.",
                                    label(waiter), v.sending ? "sending on" : "on",
                                    s->peer.empty() ? "an unnamed peer" : s->peer, s->send_queue));
    return;
  }
  const auto file = std::ranges::find(facts.files, *waiter.io_fd, &file_facts::fd);
  v.kind = verdict_kind::storage_wait;
  v.root = wait_root{
      .type = wait_root::kind::file, .name = file == facts.files.end() ? "?" : file->target, .peer = ""};
  v.reasons.push_back(fmt::format("{} waits in a system call for {}.", label(waiter), v.root->name));
}

void judge_poll(samples_view samples, const thread_facts& waiter, const vm_model& vm, verdict& v) {
  auto found = find_polled_roots(samples, waiter, vm);
  v.certain = found.certain;
  v.reasons.push_back(
      fmt::format("{} polls {} file descriptors in a nested poll.", label(waiter), waiter.polled_fds.size()));
  if (found.roots.empty()) {
    v.certain = false;
    v.root = wait_root{.type = wait_root::kind::thread, .name = waiter.comm, .peer = ""};
    v.reasons.emplace_back("No silent connection of a block node explains its wait.");
    return;
  }
  v.root = std::move(found.roots.front());
  v.further_roots.assign(found.roots.begin() + 1, found.roots.end());
  if (!v.root->polled_by_waiter) {
    v.reasons.push_back(
        fmt::format("The connection to {} is polled by another thread (iothread).", v.root->peer));
  }
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
  constexpr std::uint64_t notifications = 2'048;  // eight bytes each: the eventfds of our own probes
  const auto& first = samples.front();
  const auto& last = samples.back();
  const auto seconds = std::chrono::duration<double>(last.at - first.at).count();
  const auto bytes = last.written - first.written + last.read - first.read;
  return ready && static_cast<double>(times) <= most_a_second * seconds && bytes <= notifications;
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
  v.reasons.push_back(
      fmt::format("{} was woken {} times meanwhile: something still moves.", label(waiter), times));
}

std::optional<verdict> judge_state(const process_facts& facts, verdict v) {
  const auto& main = facts.threads.front();
  if (facts.tracer != 0 || main.state == 't') {
    v.kind = verdict_kind::traced;
    v.reasons.push_back(fmt::format("Process {} traces it.", facts.tracer));
    return v;
  }
  if (main.state == 'T') {
    v.kind = verdict_kind::stopped;
    v.reasons.emplace_back("The process is stopped by a signal (state T).");
    return v;
  }
  return std::nullopt;
}

std::optional<verdict> judge_wait(samples_view samples, const vm_model& vm, const wait_chain& chain,
                                  verdict v) {
  const auto& facts = samples.back();
  const auto& end = chain.end();
  const bool main_itself = chain.threads.size() == 1;
  for (const auto* t : chain.threads) {
    if (!t->waits_for) continue;
    v.reasons.push_back(fmt::format("{} waits for the mutex at {:#x}, held by tid {}.", label(*t),
                                    t->waits_for->address, t->waits_for->owner));
  }
  if (!main_itself) v.holder = lock_holder{chain.threads[1]->tid, chain.threads[1]->comm};
  v.kind = main_itself ? verdict_kind::main_loop_waits : verdict_kind::bql_held;
  if (chain.cycle) {
    v.kind = verdict_kind::lock_cycle;
    return v;
  }
  if (chain.broken || !end.sleeping || !end.syscall) return std::nullopt;
  if (end.io_fd) {
    judge_blocking_io(samples, end, vm, v);
  } else if (!end.polled_fds.empty()) {
    if (main_itself && !polls_nested(facts, end)) return std::nullopt;
    judge_poll(samples, end, vm, v);
  } else {
    if (main_itself) return std::nullopt;
    v.certain = false;
    v.root = wait_root{.type = wait_root::kind::thread, .name = end.comm, .peer = ""};
    v.reasons.push_back(fmt::format("{} sleeps in system call {}.", label(end), end.syscall->number));
  }
  doubt_if_woken(samples, end, vm, v);
  return v;
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
  if (auto at_work = progress(samples, chain, settings)) {
    v.kind = verdict_kind::main_loop_busy;
    if (chain.threads.size() > 1) v.holder = lock_holder{chain.threads[1]->tid, chain.threads[1]->comm};
    v.reasons.push_back(*at_work);
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
