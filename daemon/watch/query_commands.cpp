// What each query of the policies is called in QMP.
#include "daemon/watch/vm_monitor.hpp"
#include "qmp/commands.hpp"

namespace unwedge::watch {

using policies::query;

qmp::command command_of(query q) {
  switch (q) {
    case query::status:
      return qmp::query_status();
    case query::name:
      return qmp::query_name();
    case query::uuid:
      return qmp::query_uuid();
    case query::jobs:
      return qmp::query_jobs();
    case query::block_jobs:
      return qmp::query_block_jobs();
    case query::migrate:
      return qmp::query_migrate();
    case query::migrate_capabilities:
      return {"query-migrate-capabilities"};
    case query::migrate_parameters:
      return {"query-migrate-parameters"};
    case query::chardevs:
      return {"query-chardev"};
    case query::block_nodes:
      return qmp::query_named_block_nodes();
    case query::block_graph:
      return qmp::query_block_graph();
    case query::yank:
      return qmp::query_yank();
  }
  return qmp::query_status();
}

}  // namespace unwedge::watch
