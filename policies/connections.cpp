#include "policies/connections.hpp"

#include "policies/wait_chain.hpp"

#include <algorithm>
#include <set>

namespace unwedge::policies {
namespace {

struct candidate {
  wait_root root;
  std::uint64_t inode;
  bool owed;  ///< by the peer
};

/// Of all that may be this node's connection one that no node before has, if there is any: of a server of
/// several nodes each then stands for one, and all of them for all.
const candidate& one_of_its_own(const std::vector<candidate>& all, const candidate& first,
                                const std::vector<wait_root>& before) {
  const auto found = std::ranges::find_if(all, [&](const candidate& c) {
    return c.root.name == first.root.name && std::ranges::none_of(before, [&](const wait_root& r) {
             return r.connection && r.connection->inode == c.inode;
           });
  });
  return found == all.end() ? first : *found;
}

bool polls(const thread_facts& t, int fd) {
  return std::ranges::find(t.polled_fds, fd) != t.polled_fds.end();
}

bool polled_by_another(const process_facts& facts, const thread_facts& waiter, int fd) {
  return std::ranges::any_of(facts.threads,
                             [&](const thread_facts& t) { return t.tid != waiter.tid && polls(t, fd); });
}

std::vector<candidate> silent_nodes(std::span<const process_facts> samples, const thread_facts& waiter,
                                    const vm_model& vm) {
  std::vector<candidate> found;
  const auto& facts = samples.back();
  for (const auto& s : facts.sockets) {
    const bool own = polls(waiter, s.fd);
    if (s.listening || s.peer.empty() || (!own && !polled_by_another(facts, waiter, s.fd))) continue;
    const auto quiet = silence(samples, s);
    if (!quiet) continue;
    for (const auto& name : nodes_with_peer(vm, s.peer)) {
      found.push_back({{.type = wait_root::kind::block_node,
                        .name = name,
                        .peer = s.peer,
                        .silent_for = quiet,
                        .job_target = vm.nodes.find(name)->second.job_target,
                        .takes_bytes = !has_stuck_bytes(s),
                        .polled_by_waiter = own,
                        .connection = connected_socket{s.fd, s.inode, s.kind}},
                       s.inode,
                       owes_answer(s)});
    }
  }
  return found;
}

/// A server of one node has one connection, and it is that node's. Of a server of several nodes only this can
/// be said: if all its connections are dead, so are all its nodes; then each must be one that may be lost.
bool told_apart(const std::vector<candidate>& some, const process_facts& facts, const vm_model& vm) {
  return std::ranges::all_of(some, [&](const candidate& c) {
    const auto nodes = nodes_with_peer(vm, c.root.peer);
    std::set<std::uint64_t> dead;
    for (const auto& other : some) {
      if (other.root.peer == c.root.peer) dead.insert(other.inode);
    }
    const auto sockets = static_cast<std::size_t>(
        std::ranges::count_if(facts.sockets, [&](const socket_facts& s) { return s.peer == c.root.peer; }));
    return sockets == nodes.size() && dead.size() == sockets && (nodes.size() == 1 || c.root.job_target);
  });
}

/// A connection that the waiter polls, of no known node, whose peer does not take what was sent: it may be
/// the root, too.
bool stuck_elsewhere(std::span<const process_facts> samples, const thread_facts& waiter, const vm_model& vm) {
  return std::ranges::any_of(samples.back().sockets, [&](const socket_facts& s) {
    return polls(waiter, s.fd) && !s.listening && has_stuck_bytes(s) && nodes_with_peer(vm, s.peer).empty() &&
           silence(samples, s).has_value();
  });
}

/// A drain waits for the job's requests: one that has none pauses for it, and says so (job.c), so that one
/// that runs in the middle of its copy has some, and this is the only connection that they can be on.
bool job_waits_for(const std::string& node, const vm_model& vm) {
  return std::ranges::any_of(jobs_copying_to(vm, node), [&](const std::string& id) {
    const auto& job = vm.jobs.find(id)->second;
    return job.status == "running" && job.offset < job.len;
  });
}

}  // namespace

const socket_facts* find_socket(const process_facts& facts, int fd) {
  const auto found = std::ranges::find(facts.sockets, fd, &socket_facts::fd);
  return found == facts.sockets.end() ? nullptr : &*found;
}

bool has_stuck_bytes(const socket_facts& s) {
  return s.send_queue > 0 || s.unacked > 0;
}

bool owes_answer(const socket_facts& s) {
  return has_stuck_bytes(s) ||
         (s.kind == socket_facts::family::tcp && s.last_sent && *s.last_sent < s.last_received);
}

bool may_owe_answer(const socket_facts& s) {
  return s.kind == socket_facts::family::tcp && s.last_sent && *s.last_sent == s.last_received;
}

std::vector<std::string> nodes_with_peer(const vm_model& vm, const std::string& peer) {
  std::vector<std::string> names;
  if (peer.empty()) return names;
  for (const auto& [name, node] : vm.nodes) {
    if (node.driver == "nbd" && node.peer == peer) names.push_back(name);
  }
  return names;
}

std::optional<std::chrono::milliseconds> silence(std::span<const process_facts> samples,
                                                 const socket_facts& s) {
  for (const auto& sample : samples) {
    const auto* then = find_socket(sample, s.fd);
    if (then == nullptr || then->inode != s.inode || then->bytes_acked != s.bytes_acked ||
        then->bytes_received != s.bytes_received || then->send_queue != s.send_queue ||
        then->receive_queue != s.receive_queue) {
      return std::nullopt;
    }
  }
  const auto seen =
      std::chrono::duration_cast<std::chrono::milliseconds>(samples.back().at - samples.front().at);
  return s.kind == socket_facts::family::tcp ? std::max(seen, s.last_received) : seen;
}

polled_roots find_polled_roots(std::span<const process_facts> samples, const thread_facts& waiter,
                               const vm_model& vm) {
  auto all = silent_nodes(samples, waiter, vm);
  // A connection over which nothing is owed may just be idle: it counts only if there is no other, and never
  // for sure.
  bool some_owe = std::ranges::any_of(all, &candidate::owed);
  const bool by_job = !some_owe && vm.monitor.ready;
  if (by_job) {
    for (auto& c : all) c.owed = c.root.job_target && job_waits_for(c.root.name, vm);
    some_owe = std::ranges::any_of(all, &candidate::owed);
  }
  if (some_owe) std::erase_if(all, [](const candidate& c) { return !c.owed; });
  // What the waiter polls itself explains its wait; only if there is none, it waits for another thread's
  // connection.
  if (std::ranges::any_of(all, [](const candidate& c) { return c.root.polled_by_waiter; })) {
    std::erase_if(all, [](const candidate& c) { return !c.root.polled_by_waiter; });
  }
  std::ranges::partition(all, [](const candidate& c) { return c.root.job_target; });

  polled_roots out{.by_job = by_job && some_owe};
  out.certain = some_owe && told_apart(all, samples.back(), vm) && !stuck_elsewhere(samples, waiter, vm);
  for (const auto& c : all) {
    if (std::ranges::find(out.roots, c.root.name, &wait_root::name) == out.roots.end())
      out.roots.push_back(one_of_its_own(all, c, out.roots).root);
  }
  return out;
}

}  // namespace unwedge::policies
