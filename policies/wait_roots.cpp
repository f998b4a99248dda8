#include "policies/wait_roots.hpp"

#include "policies/connections.hpp"
#include "policies/storage.hpp"
#include "policies/thread_role.hpp"
#include "policies/wait_chain.hpp"

#include <fmt/format.h>

#include <sys/syscall.h>

#include <algorithm>
#include <array>

namespace unwedge::policies {
namespace {

bool is_send(long number) {
  constexpr std::array calls{SYS_sendmsg, SYS_sendto, SYS_write, SYS_writev, SYS_sendmmsg};
  return std::ranges::find(calls, number) != calls.end();
}

thread_role role_in(const process_facts& facts, const thread_facts& t) {
  return t.tid == facts.pid ? thread_role::main : role_by_name(t.comm, facts.threads.front().comm);
}

bool is_migration_thread(const process_facts& facts, const thread_facts& t) {
  return role_in(facts, t) == thread_role::migration;
}

/// Without debug-threads every thread bears the process's name: it may be the migration's then.
bool may_be_migration_thread(const thread_facts& t, const thread_facts& main, const vm_model& vm) {
  return t.tid != main.tid && t.comm == main.comm && vm.migration && is_running(*vm.migration);
}

/// The label of the chardev that this socket belongs to; empty: of none that is known.
std::string chardev_of(const socket_facts& s, const vm_model& vm) {
  for (const auto& [label, c] : vm.chardevs) {
    const bool same_local = !c.local.empty() && s.local == c.local;
    const bool same_peer = c.peer.empty() || s.peer == c.peer;
    if (same_local && same_peer) return label;
  }
  return "";
}

wait_root socket_root(samples_view samples, const socket_facts& s, const thread_facts& waiter,
                      const vm_model& vm) {
  wait_root root{
      .type = wait_root::kind::socket, .name = "", .peer = s.peer, .silent_for = silence(samples, s)};
  root.connection = connected_socket{s.fd, s.inode, s.kind};
  const auto nodes = nodes_with_peer(vm, s.peer);
  if (nodes.size() == 1) {
    root.type = wait_root::kind::block_node;
    root.name = nodes.front();
    root.job_target = vm.nodes.find(nodes.front())->second.job_target;
  } else if (const auto label = chardev_of(s, vm); !label.empty()) {
    root.type = wait_root::kind::chardev;
    root.name = label;
    if (root.peer.empty()) root.peer = s.local;
  } else if (nodes.empty() && (is_migration_thread(samples.back(), waiter) ||
                               may_be_migration_thread(waiter, samples.back().threads.front(), vm))) {
    root.type = wait_root::kind::migration;
    root.name = "migration";
  }
  return root;
}

wait_root thread_root(const process_facts& facts, const thread_facts& t) {
  const bool vcpu = role_in(facts, t) == thread_role::vcpu;
  return {.type = vcpu ? wait_root::kind::vcpu : wait_root::kind::thread, .name = t.comm, .peer = ""};
}

void take_file(still_file found, verdict& v) {
  v.kind = found.device_at_work ? verdict_kind::main_loop_busy : verdict_kind::storage_wait;
  v.root = std::move(found.root);
  v.reasons.push_back(std::move(found.reason));
  if (found.device_at_work)
    v.reasons.emplace_back("The block device below it completes requests: slow, not stuck.");
}

/// The one connection that `wanted` wants whose peer has not taken what was sent, over all samples. Of
/// several nobody can tell which.
template <typename Wanted>
const socket_facts* only_stuck(samples_view samples, Wanted wanted) {
  const socket_facts* found = nullptr;
  for (const auto& s : samples.back().sockets) {
    if (s.listening || !has_stuck_bytes(s) || !wanted(s) || !silence(samples, s)) continue;
    if (found != nullptr) return nullptr;
    found = &s;
  }
  return found;
}

void no_node_explains(samples_view samples, const thread_facts& waiter, const vm_model& vm, verdict& v) {
  v.certain = false;
  const auto* s = only_stuck(samples, [&](const socket_facts& of) {
    return !of.peer.empty() && nodes_with_peer(vm, of.peer).empty();
  });
  if (s == nullptr) {
    v.root = thread_root(samples.back(), waiter);
    v.reasons.emplace_back("No silent connection of a block node explains its wait.");
    return;
  }
  v.root = wait_root{
      .type = wait_root::kind::socket, .name = "", .peer = s->peer, .silent_for = silence(samples, *s)};
  v.reasons.push_back(
      fmt::format("The connection to {} is silent, {} bytes not taken; whose it is is not known.", s->peer,
                  s->send_queue));
}

}  // namespace

std::string label(const thread_facts& t) {
  return fmt::format("{} (tid {})", t.comm, t.tid);
}

void find_blocking_root(samples_view samples, const thread_facts& waiter, const vm_model& vm, verdict& v) {
  const auto& facts = samples.back();
  const auto* s = find_socket(facts, *waiter.io_fd);
  if (s == nullptr) return take_file(blocked_file(samples, waiter), v);
  v.root = socket_root(samples, *s, waiter, vm);
  using enum wait_root::kind;
  const bool known = v.root->type == block_node || v.root->type == chardev ||
                     (v.root->type == migration && is_migration_thread(facts, waiter));
  v.certain = known && v.root->silent_for.has_value();
  v.sending = s->send_queue > 0 && waiter.syscall && is_send(waiter.syscall->number);
  v.sends_state = v.sending && waiter.unsent == unsent::vm_state;
  v.reasons.push_back(fmt::format("{} is blocked {} the connection to {}, {} bytes not taken.", label(waiter),
                                  v.sending ? "sending on" : "on",
                                  s->peer.empty() ? "an unnamed peer" : s->peer, s->send_queue));
}

void find_polled_root(samples_view samples, const thread_facts& waiter, const vm_model& vm, verdict& v) {
  auto found = find_polled_roots(samples, waiter, vm);
  v.certain = found.certain;
  v.reasons.push_back(
      fmt::format("{} polls {} file descriptors in a nested poll.", label(waiter), waiter.polled_fds.size()));
  if (!found.certain || found.by_job) {
    if (auto file = still_file_io(samples, waiter)) return take_file(std::move(*file), v);
  }
  if (found.roots.empty()) return no_node_explains(samples, waiter, vm, v);
  v.root = std::move(found.roots.front());
  v.further_roots.assign(found.roots.begin() + 1, found.roots.end());
  if (found.by_job)
    v.reasons.emplace_back(
        "A job that copies there has not paused for the drain: it has requests under way.");
  if (!v.root->polled_by_waiter) {
    v.reasons.push_back(
        fmt::format("The connection to {} is polled by another thread (iothread).", v.root->peer));
  }
}

void find_parked_root(const process_facts& facts, const thread_facts& waiter, verdict& v) {
  v.certain = false;
  v.root = thread_root(facts, waiter);
  v.reasons.push_back(fmt::format("{} sleeps in system call {}.", label(waiter), waiter.syscall->number));
}

void find_spinning_root(samples_view samples, const thread_facts& holder, const vm_model& vm, verdict& v) {
  v.certain = false;
  v.spinning = true;
  v.root = thread_root(samples.back(), holder);
  const auto* s = only_stuck(samples, [&](const socket_facts& of) { return !chardev_of(of, vm).empty(); });
  if (s == nullptr) return;
  v.root = socket_root(samples, *s, holder, vm);
  v.sending = true;
  v.reasons.push_back(fmt::format("The peer of chardev {} does not read: {} bytes are not taken.",
                                  v.root->name, s->send_queue));
}

}  // namespace unwedge::policies
