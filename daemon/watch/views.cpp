#include "daemon/watch/views.hpp"

#include "daemon/watch/evidence_json.hpp"
#include "daemon/watch/json_values.hpp"
#include "daemon/watch/vm_model_json.hpp"
#include "daemon/watch/vm_watcher.hpp"

namespace unwedge::watch {
namespace {

namespace json = boost::json;

json::value suspicion_json(const vm_watcher& w) {
  if (!w.suspicion().active()) return nullptr;
  return json::object{{"since", date_of(*w.suspicion().since())},
                      {"sentence", w.verdict() ? "" : w.suspicion().undecided(w.model())}};
}

json::array conditions_json(const policies::conditions& holding) {
  json::array out;
  for (const auto& c : holding) {
    out.push_back(json::object{{"condition", to_string(c.kind)},
                               {"subject", or_null(c.subject)},
                               {"state", or_null(c.state)},
                               {"since", date_of(c.since)},
                               {"why", c.why}});
  }
  return out;
}

json::value hold_json(const vm_watcher& w) {
  const auto* hold = w.held();
  if (hold == nullptr) return nullptr;
  auto o = to_json(*hold);
  o["of"] = w.held_itself() ? "vm" : "host";
  return o;
}

}  // namespace

json::object to_json(const vm_watcher& w) {
  const auto& vm = w.model();
  return {{"name", w.name()},
          {"uuid", or_null(vm.uuid)},
          {"pid", w.process() != nullptr ? json::value(w.process()->pid()) : json::value(nullptr)},
          {"state", to_string(w.state())},
          {"since", date_of(w.state_since())},
          {"authority", to_string(w.allowed())},
          {"watched_by", vm.no_monitor ? "process" : "monitor"},
          {"qmp", monitor_json(vm.monitor)},
          {"run_state", vm.run_state},
          {"migration", migration_json(vm.migration)},
          {"jobs", jobs_json(vm)},
          {"verdict", w.verdict() ? json::value(w.verdict_json()) : json::value(nullptr)},
          {"suspicion", suspicion_json(w)},
          {"conditions", conditions_json(w.conditions())},
          {"guard", or_null(w.guard_standing())},
          {"hold", hold_json(w)},
          {"host_starved", or_null(w.host_starved())},
          {"core_flagged", w.core_flagged()},
          {"incident", or_null(w.incident_id())}};
}

json::object details(const vm_watcher& w) {
  auto o = to_json(w);
  o["socket"] = or_null(w.where().path);
  o["nodes"] = nodes_json(w.model());
  o["events"] = events_json(w.model());
  o["evidence"] = w.suspicion().samples().empty() ? json::value(nullptr)
                                                  : json::value(to_json(w.suspicion().samples().back()));
  return o;
}

}  // namespace unwedge::watch
