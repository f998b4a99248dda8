#include "policies/block_graph.hpp"

#include "qmp/json_fields.hpp"

#include <set>
#include <unordered_map>

namespace unwedge::policies {
namespace {

using qmp::number;
using qmp::text;

constexpr std::size_t max_edges = 16'384;

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
};

parsed_graph parse(const qmp::json::object& graph) {
  parsed_graph out;
  if (const auto* list = qmp::array_at(graph, "nodes")) {
    for (const auto& entry : *list) {
      const auto* o = entry.if_object();
      const auto id = o != nullptr ? number(*o, "id") : std::nullopt;
      if (id && out.nodes.size() < max_edges) out.nodes[*id] = {text(*o, "type"), text(*o, "name")};
    }
  }
  if (const auto* list = qmp::array_at(graph, "edges")) {
    for (const auto& entry : *list) {
      const auto* o = entry.if_object();
      if (o == nullptr || out.edges.size() >= max_edges) continue;
      const auto parent = number(*o, "parent");
      const auto child = number(*o, "child");
      if (parent && child) out.edges.emplace(*parent, graph_edge{*child, text(*o, "name")});
    }
  }
  return out;
}

/// Everything that a write to `top` may reach: all children but backing files, which are only read.
void mark_written(vm_model& vm, const parsed_graph& graph, std::int64_t top) {
  std::set<std::int64_t> seen;
  std::vector<std::int64_t> open{top};
  while (!open.empty()) {
    const auto id = open.back();
    open.pop_back();
    if (!seen.insert(id).second) continue;
    if (const auto node = graph.nodes.find(id); node != graph.nodes.end()) {
      if (const auto known = vm.nodes.find(node->second.name); known != vm.nodes.end()) known->second.job_target = true;
    }
    const auto [first, last] = graph.edges.equal_range(id);
    for (auto edge = first; edge != last; ++edge) {
      if (edge->second.name != "backing") open.push_back(edge->second.child);
    }
  }
}

}  // namespace

void apply_block_graph(vm_model& vm, const qmp::json::object& document) {
  const auto graph = parse(document);
  for (auto& [name, node] : vm.nodes) node.job_target = false;
  for (const auto& [id, node] : graph.nodes) {
    const auto job = node.type == "block-job" ? vm.jobs.find(node.name) : vm.jobs.end();
    if (job == vm.jobs.end()) continue;
    const auto [first, last] = graph.edges.equal_range(id);
    for (auto edge = first; edge != last; ++edge) {
      if (edge->second.name != "target") continue;
      if (const auto target = graph.nodes.find(edge->second.child); target != graph.nodes.end()) {
        job->second.target = std::string(target->second.name.substr(0, 256));
      }
      mark_written(vm, graph, edge->second.child);
    }
  }
}

}  // namespace unwedge::policies
