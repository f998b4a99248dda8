#include "policies/block_graph.hpp"

#include "qmp/json_fields.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>

namespace unwedge::policies {
namespace {

using qmp::number;
using qmp::text;

constexpr std::size_t max_edges = 16'384;
constexpr std::size_t max_looked_at = 4 * max_edges;

struct graph_node {
  std::string_view type;  // block-backend | block-job | block-driver
  std::string_view name;
};
struct graph_edge {
  std::int64_t child;
  std::string_view name;
};

struct parsed_graph {
  std::unordered_map<std::int64_t, graph_node> nodes;
  std::unordered_multimap<std::int64_t, graph_edge> edges;
  bool whole = true;  ///< false: larger than any QEMU's; what a part of it says could be wrong
};

parsed_graph parse(const qmp::json::object& graph) {
  parsed_graph out;
  if (const auto* list = qmp::array_at(graph, "nodes")) {
    for (const auto& entry : *list) {
      const auto* o = entry.if_object();
      const auto id = o != nullptr ? number(*o, "id") : std::nullopt;
      if (id) out.nodes[*id] = {text(*o, "type"), text(*o, "name")};
    }
  }
  if (const auto* list = qmp::array_at(graph, "edges")) {
    for (const auto& entry : *list) {
      const auto* o = entry.if_object();
      if (o == nullptr) continue;
      const auto parent = number(*o, "parent");
      const auto child = number(*o, "child");
      if (parent && child) out.edges.emplace(*parent, graph_edge{*child, text(*o, "name")});
    }
  }
  out.whole = out.nodes.size() <= max_edges && out.edges.size() <= max_edges;
  return out;
}

enum class follow_backing { no, yes };

using node_ids = std::unordered_set<std::int64_t>;

/// The ids of everything below those in `open`, themselves included.
node_ids reachable(const parsed_graph& graph, std::vector<std::int64_t> open, follow_backing backing) {
  node_ids seen;
  while (!open.empty()) {
    const auto id = open.back();
    open.pop_back();
    if (!seen.insert(id).second) continue;
    const auto [first, last] = graph.edges.equal_range(id);
    for (auto edge = first; edge != last; ++edge) {
      if (backing == follow_backing::yes || edge->second.name != "backing")
        open.push_back(edge->second.child);
    }
  }
  return seen;
}

/// What the guest's devices use. Their backends have a name (or the device's path); those of jobs have none.
node_ids used_by_guest(const parsed_graph& graph) {
  std::vector<std::int64_t> backends;
  for (const auto& [id, node] : graph.nodes) {
    if (node.type == "block-backend" && !node.name.empty()) backends.push_back(id);
  }
  return reachable(graph, std::move(backends), follow_backing::yes);
}

block_node* known_node(vm_model& vm, const parsed_graph& graph, std::int64_t id) {
  const auto node = graph.nodes.find(id);
  const auto known = node == graph.nodes.end() ? vm.nodes.end() : vm.nodes.find(node->second.name);
  return known == vm.nodes.end() ? nullptr : &known->second;
}

std::vector<std::int64_t> targets_of(const parsed_graph& graph, std::int64_t job) {
  std::vector<std::int64_t> targets;
  const auto [first, last] = graph.edges.equal_range(job);
  for (auto edge = first; edge != last; ++edge) {
    if (edge->second.name == "target") targets.push_back(edge->second.child);
  }
  return targets;
}

/// Marks everything that a write of the job may reach: all below its targets but backing files, which are
/// only read. Returns the number of nodes looked at.
std::size_t mark_written(vm_model& vm, const parsed_graph& graph, std::vector<std::int64_t> targets,
                         const std::string& job) {
  const auto written = reachable(graph, std::move(targets), follow_backing::no);
  for (const auto id : written) {
    auto* node = known_node(vm, graph, id);
    if (node == nullptr) continue;
    node->job_target = true;
    node->target_of.push_back(job);
  }
  return written.size();
}

void forget_all_targets(vm_model& vm) {
  for (auto& [name, node] : vm.nodes) {
    node.job_target = node.of_guest = false;
    node.target_of.clear();
  }
}

}  // namespace

bool still_copies(std::string_view job_status) {
  constexpr std::array<std::string_view, 6> copying{"created", "running", "paused",
                                                    "ready",   "standby", "aborting"};
  return std::ranges::find(copying, job_status) != copying.end();
}

void forget_targets_of(vm_model& vm, std::string_view job) {
  for (auto& [name, node] : vm.nodes) {
    if (std::erase(node.target_of, job) != 0 && node.target_of.empty()) node.job_target = false;
  }
}

void apply_block_graph(vm_model& vm, const qmp::json::object& document) {
  const auto graph = parse(document);
  forget_all_targets(vm);
  if (!graph.whole) return;
  std::size_t looked_at = 0;
  for (const auto& [id, node] : graph.nodes) {
    const auto job = node.type == "block-job" ? vm.jobs.find(node.name) : vm.jobs.end();
    if (job == vm.jobs.end()) continue;
    auto targets = targets_of(graph, id);
    if (targets.empty()) continue;
    if (const auto target = graph.nodes.find(targets.front()); target != graph.nodes.end()) {
      job->second.target = std::string(target->second.name.substr(0, 256));
    }
    if (!still_copies(job->second.status)) continue;
    looked_at += mark_written(vm, graph, std::move(targets), job->first);
    if (looked_at > max_looked_at)
      return forget_all_targets(vm);  // no QEMU's graph: nothing of it is believed
  }
  for (const auto id : used_by_guest(graph)) {
    auto* node = known_node(vm, graph, id);
    if (node == nullptr) continue;
    node->job_target = false;
    node->of_guest = true;
  }
}

}  // namespace unwedge::policies
