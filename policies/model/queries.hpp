// Which queries the model of a VM lives on, and when each is asked: after a connect, after an event, in turn.
// Pure.
#pragma once

#include <cstdint>
#include <vector>

namespace unwedge::policies {

struct vm_model;

/// The queries whose replies the model understands.
enum class query {
  status,
  name,
  uuid,
  jobs,
  block_jobs,
  migrate,
  migrate_capabilities,
  migrate_parameters,
  chardevs,
  block_nodes,
  block_graph,
  yank
};

/// The queries after a (re)connect, in the order to send them. Those of the block layer are for a healthy VM
/// only.
std::vector<query> resync_queries();

/// Which in-band query to send as the `count`-th probe: mostly query-status, in turn with those of what is
/// going on.
query next_probe(const vm_model&, std::uint64_t count);

/// What the state no longer knows after an event, and should ask for.
struct refresh {
  bool status = false;
  bool jobs = false;
  bool nodes = false;
  bool migration = false;
  bool settings = false;  ///< of migrations: capabilities and parameters
  bool any() const { return status || jobs || nodes || migration || settings; }
  refresh& operator|=(const refresh& o);
};

}  // namespace unwedge::policies
