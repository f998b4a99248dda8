#include "policies/model/queries.hpp"

#include "policies/vm_model.hpp"

#include <array>

namespace unwedge::policies {

std::vector<query> resync_queries() {
  // The chardevs before the capabilities: whose the VM is must be known before anything is set.
  return {query::status,
          query::name,
          query::uuid,
          query::jobs,
          query::block_jobs,
          query::migrate,
          query::yank,
          query::block_nodes,
          query::block_graph,
          query::chardevs,
          query::migrate_capabilities,
          query::migrate_parameters};
}

query next_probe(const vm_model& vm, std::uint64_t count) {
  const bool migrates = vm.migration && is_running(*vm.migration);
  // Its owner may set them anew while it runs; no event says so.
  if (migrates && !vm.jobs.empty() && count % 8 == 5) return query::migrate_parameters;
  if (migrates && count % 2 == 0) return query::migrate;
  if (vm.jobs.empty()) return count % 4 == 3 ? query::migrate : query::status;
  constexpr std::array beside_jobs{query::status, query::jobs, query::migrate, query::block_jobs};
  return beside_jobs[count % beside_jobs.size()];
}

refresh& refresh::operator|=(const refresh& o) {
  status |= o.status;
  jobs |= o.jobs;
  nodes |= o.nodes;
  migration |= o.migration;
  settings |= o.settings;
  return *this;
}

}  // namespace unwedge::policies
