#include "daemon/watch/vm_model_json.hpp"

#include "daemon/watch/json_values.hpp"

namespace unwedge::watch {
namespace {

namespace json = boost::json;

policies::instant now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

json::object monitor_json(const policies::monitor_state& m) {
  return {{"connected", m.ready},
          {"oob", m.oob},
          {"version", m.version == qmp::version{} ? json::value(nullptr) : json::value(to_string(m.version))},
          {"last_reply_ms", m.last_reply ? json::value(ms(now() - *m.last_reply)) : json::value(nullptr)},
          {"round_trip_us", m.last_round_trip.count()},
          {"problem", or_null(m.problem)}};
}

json::value migration_json(const std::optional<policies::migration_state>& m) {
  if (!m || m->status.empty() || m->status == "none") return nullptr;
  const auto bytes = [](const std::optional<std::int64_t>& v) {
    return v ? json::value(*v) : json::value(nullptr);
  };
  return json::object{{"status", m->status},
                      {"since", date_of(m->since)},
                      {"transferred", bytes(m->transferred)},
                      {"remaining", bytes(m->remaining)},
                      {"total", bytes(m->total)}};
}

json::array jobs_json(const policies::vm_model& vm) {
  json::array out;
  for (const auto& [id, job] : vm.jobs) {
    out.push_back(json::object{{"id", id},
                               {"type", job.type},
                               {"status", job.status},
                               {"offset", job.offset},
                               {"len", job.len},
                               {"io_status", or_null(job.io_status)},
                               {"error", or_null(job.error)},
                               {"target", job.target ? json::value(*job.target) : json::value(nullptr)}});
  }
  return out;
}

json::array nodes_json(const policies::vm_model& vm) {
  json::array nodes;
  for (const auto& [name, node] : vm.nodes) {
    nodes.push_back(json::object{{"name", name},
                                 {"driver", node.driver},
                                 {"peer", or_null(node.peer)},
                                 {"job_target", node.job_target}});
  }
  return nodes;
}

json::array events_json(const policies::vm_model& vm) {
  json::array out;
  for (const auto* e : vm.events.oldest_first()) {
    out.push_back(json::object{{"at", date_of(e->at)}, {"name", e->name}, {"data", e->data}});
  }
  return out;
}

}  // namespace unwedge::watch
