#include "policies/io_health.hpp"

#include "policies/connections.hpp"

#include <algorithm>

namespace unwedge::policies {
namespace {

std::size_t count_nodes_with_peer(const vm_model& vm, const std::string& peer) {
  return static_cast<std::size_t>(std::ranges::count_if(
      vm.nodes, [&](const auto& n) { return n.second.peer == peer && n.second.driver == "nbd"; }));
}

const file_facts* regular_file(const process_facts& facts, int fd) {
  const auto found = std::ranges::find(facts.files, fd, &file_facts::fd);
  return found == facts.files.end() || found->what != file_facts::kind::regular ? nullptr : &*found;
}

/// The watcher looks every five seconds while something is owed. Older, it says nothing of now.
constexpr std::chrono::seconds stale_after{12};

/// A server with a writeback cache writes gigabytes to a slow disk before it answers the flush at the end of
/// a copy.
constexpr std::chrono::minutes flush_takes{5};

}  // namespace

bool io_health::stale(instant now) const {
  return now - looked_at_ > stale_after;
}

void io_health::add(const process_facts& facts, const vm_model& vm) {
  std::map<std::uint64_t, connection> connections;
  for (const auto& s : facts.sockets) {
    if (s.listening || s.peer.empty() || nodes_with_peer(vm, s.peer).empty()) continue;
    connection c{.peer = s.peer,
                 .acked = s.bytes_acked,
                 .received = s.bytes_received,
                 .send_queue = s.send_queue,
                 .receive_queue = s.receive_queue,
                 .owed = owes_answer(s),
                 .stuck = has_stuck_bytes(s),
                 .unclear = may_owe_answer(s),
                 .since = facts.at};
    const auto before = connections_.find(s.inode);
    if (before != connections_.end()) {
      const auto& b = before->second;
      c.moved = b.acked != c.acked || b.received != c.received || b.send_queue != c.send_queue ||
                b.receive_queue != c.receive_queue;
      if (!c.moved && (b.owed || b.unclear) && (c.owed || c.unclear)) c.since = b.since;
    }
    connections.emplace(s.inode, std::move(c));
  }
  connections_ = std::move(connections);
  looked_before_ = knew_nodes_ ? looked_at_ : instant{};
  knew_nodes_ = !vm.nodes.empty();
  looked_at_ = facts.at;

  std::map<pid_t, file_wait> waits;
  for (const auto& t : facts.threads) {
    const auto* file = t.io_fd ? regular_file(facts, *t.io_fd) : nullptr;
    if (file == nullptr || !t.syscall) continue;
    file_wait w{*t.syscall, t.context_switches, file->target, t.comm, facts.at};
    const auto before = file_waits_.find(t.tid);
    if (before != file_waits_.end() && before->second.call == w.call &&
        before->second.context_switches == w.context_switches) {
      w.since = before->second.since;
    }
    waits.emplace(t.tid, std::move(w));
  }
  file_waits_ = std::move(waits);
}

bool io_health::stands_still_elsewhere(const std::string& peer) const {
  return std::ranges::any_of(file_waits_, [&](const auto& w) { return w.second.since != looked_at_; }) ||
         std::ranges::any_of(connections_, [&](const auto& c) {
           return c.second.peer != peer && c.second.owed && c.second.since != looked_at_;
         });
}

/// Several connections to one server cannot be told apart: only if all of them are dead, this one is.
std::optional<instant> io_health::silent_since(const vm_model& vm, const std::string& peer, bool busy,
                                               instant now) const {
  if (stale(now)) return std::nullopt;
  std::optional<instant> latest;
  std::size_t sockets = 0;
  const bool job_waits_for_it = busy && !stands_still_elsewhere(peer);
  for (const auto& [inode, c] : connections_) {
    if (c.peer != peer) continue;
    ++sockets;
    const bool owed = c.owed || (job_waits_for_it && c.unclear);
    if (!owed || c.since == looked_at_) return std::nullopt;
    latest = std::max(latest.value_or(c.since), c.since);
  }
  if (sockets != count_nodes_with_peer(vm, peer)) return std::nullopt;
  return latest;
}

std::optional<instant> io_health::silent_since(const vm_model& vm, const job_state& job, instant now) const {
  if (!job.target || connections_.empty()) return std::nullopt;
  const auto node = vm.nodes.find(*job.target);
  if (node == vm.nodes.end() || node->second.peer.empty()) return std::nullopt;
  return silent_since(vm, node->second.peer, job.busy, now);
}

std::optional<instant> io_health::dead_since(const vm_model& vm, const job_state& job, instant now) const {
  const auto since = silent_since(vm, job, now);
  if (!since || now - *since >= flush_takes) return since;
  const bool may_flush = job.offset >= job.len && std::string_view(job.status) != "ready";
  const auto& peer = vm.nodes.find(*job.target)->second.peer;
  const bool stuck = std::ranges::all_of(
      connections_, [&](const auto& c) { return c.second.peer != peer || c.second.stuck; });
  return stuck || !may_flush ? since : std::nullopt;
}

bool io_health::answers_since(const vm_model& vm, const job_state& job, instant since) const {
  if (!job.target) return true;
  const auto node = vm.nodes.find(*job.target);
  if (node == vm.nodes.end() || node->second.peer.empty()) return true;
  if (looked_at_ < since) return false;
  return std::ranges::all_of(connections_, [&](const auto& c) {
    // That it moved since a look before `since` says nothing.
    const bool owed = c.second.owed || (job.busy && c.second.unclear);
    return c.second.peer != node->second.peer || !owed || (c.second.moved && looked_before_ >= since);
  });
}

std::vector<io_health::disk> io_health::stalled_disks(const vm_model& vm, instant now) const {
  std::vector<disk> out;
  if (!waits() || stale(now)) return out;
  for (const auto& [name, node] : vm.nodes) {
    if (!node.of_guest || node.peer.empty()) continue;
    if (const auto since = silent_since(vm, node.peer, false, now)) out.push_back({name, node.peer, *since});
  }
  for (const auto& [tid, wait] : file_waits_) {
    if (wait.since != looked_at_) out.push_back({wait.file, wait.comm, wait.since});
  }
  return out;
}

bool io_health::waits() const {
  return !file_waits_.empty() ||
         std::ranges::any_of(connections_, [](const auto& c) { return c.second.owed; });
}

}  // namespace unwedge::policies
