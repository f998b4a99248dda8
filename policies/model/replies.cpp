#include "policies/model/replies.hpp"

#include "policies/block_graph.hpp"
#include "policies/model/limits.hpp"
#include "qmp/json_fields.hpp"

namespace unwedge::policies {

void apply_reply(vm_model& vm, query q, const qmp::json::value& result, instant now) {
  const auto* o = result.if_object();
  const auto* list = result.if_array();
  switch (q) {
    case query::status:
      if (o != nullptr && !qmp::text(*o, "status").empty()) vm.run_state = kept(qmp::text(*o, "status"));
      break;
    case query::name:
      if (o != nullptr) vm.guest_name = kept(qmp::text(*o, "name"));
      break;
    case query::uuid:
      if (o != nullptr) vm.uuid = kept(qmp::text(*o, "UUID"));
      break;
    case query::jobs:
      if (list != nullptr) apply_jobs(vm, *list, now);
      break;
    case query::block_jobs:
      if (list != nullptr) apply_block_jobs(vm, *list, now);
      break;
    case query::migrate:
      if (o != nullptr) apply_migrate(vm, *o, now);
      break;
    case query::migrate_capabilities:
      if (list != nullptr) apply_capabilities(vm, *list, now);
      break;
    case query::migrate_parameters:
      if (o != nullptr) apply_parameters(vm, *o, now);
      break;
    case query::chardevs:
      if (list != nullptr) apply_chardevs(vm, *list);
      break;
    case query::block_nodes:
      if (list != nullptr) apply_nodes(vm, *list);
      break;
    case query::block_graph:
      if (o != nullptr) apply_block_graph(vm, *o);
      break;
    case query::yank:
      if (list != nullptr) apply_yank(vm, *list);
      break;
  }
}

}  // namespace unwedge::policies
