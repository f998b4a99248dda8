#include "daemon/watch/views.hpp"

#include "daemon/incident/timestamp.hpp"
#include "daemon/watch/vm_watcher.hpp"
#include "policies/sentence.hpp"

namespace unwedge::watch {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

policies::instant now() {
  return std::chrono::steady_clock::now();
}

std::int64_t ms(policies::duration d) {
  return std::chrono::duration_cast<milliseconds>(d).count();
}

json::value or_null(const std::string& s) {
  return s.empty() ? json::value(nullptr) : json::value(s);
}

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

json::object root_json(const policies::wait_root& r) {
  return {{"type", to_string(r.type)},
          {"name", r.name},
          {"peer", or_null(r.peer)},
          {"silent_ms", r.silent_for ? json::value(r.silent_for->count()) : json::value(nullptr)}};
}

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

json::object thread_json(const policies::thread_facts& t) {
  json::object o{{"tid", t.tid},
                 {"comm", t.comm},
                 {"state", std::string(1, t.state)},
                 {"wchan", or_null(t.wchan)},
                 {"cpu_ns", t.cpu_ns},
                 {"waited_for_cpu_ns", t.waited_for_cpu_ns},
                 {"context_switches", t.context_switches}};
  if (t.syscall) {
    json::array args(t.syscall->args.begin(), t.syscall->args.end());
    o["syscall"] = json::object{{"number", t.syscall->number}, {"args", std::move(args)}};
  }
  if (t.waits_for) {
    o["waits_for"] = json::object{{"mutex", t.waits_for->address},
                                  {"owner", t.waits_for->owner},
                                  {"count", t.waits_for->count},
                                  {"bql", !t.waits_for->outside_program}};
  }
  if (!t.polled_fds.empty()) o["polls"] = json::array(t.polled_fds.begin(), t.polled_fds.end());
  if (t.io_fd) o["io_fd"] = *t.io_fd;
  return o;
}

json::object socket_json(const policies::socket_facts& s) {
  return {{"fd", s.fd},
          {"local", or_null(s.local)},
          {"peer", or_null(s.peer)},
          {"send_queue", s.send_queue},
          {"receive_queue", s.receive_queue},
          {"bytes_acked", s.bytes_acked},
          {"bytes_received", s.bytes_received},
          {"unacked", s.unacked},
          {"last_received_ms", s.last_received.count()}};
}

json::object file_json(const policies::file_facts& f) {
  json::object o{{"fd", f.fd}, {"target", f.target}};
  if (!f.file_system.empty()) o["file_system"] = f.file_system + " from " + f.source;
  if (f.device_completed) o["device_completed"] = *f.device_completed;
  if (f.what == policies::file_facts::kind::io_uring) o["in_flight"] = f.in_flight;
  return o;
}

json::object facts_json(const policies::process_facts& f) {
  json::array threads, sockets, files;
  for (const auto& t : f.threads) threads.push_back(thread_json(t));
  for (const auto& s : f.sockets) sockets.push_back(socket_json(s));
  for (const auto& file : f.files) files.push_back(file_json(file));
  return {{"at", date_of(f.at)},
          {"pid", f.pid},
          {"tracer", f.tracer},
          {"frozen_in", f.frozen_in ? json::value(*f.frozen_in) : json::value(nullptr)},
          {"written", f.written},
          {"read", f.read},
          {"threads", std::move(threads)},
          {"sockets", std::move(sockets)},
          {"files", std::move(files)},
          {"missing", json::array(f.missing.begin(), f.missing.end())}};
}

json::array events_json(const policies::vm_model& vm) {
  json::array out;
  for (const auto* e : vm.events.oldest_first()) {
    out.push_back(json::object{{"at", date_of(e->at)}, {"name", e->name}, {"data", e->data}});
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

}  // namespace

std::string date_of(policies::instant t) {
  const auto wall = std::chrono::system_clock::now() -
                    std::chrono::duration_cast<std::chrono::system_clock::duration>(now() - t);
  return incidents::to_rfc3339(wall);
}

json::object to_json(const policies::process_facts& f) {
  return facts_json(f);
}

json::object to_json(const policies::verdict& v, const policies::vm_model& vm) {
  json::object o{
      {"kind", to_string(v.kind)}, {"root", v.root ? json::value(root_json(*v.root)) : json::value(nullptr)},
      {"holder", nullptr},         {"since", date_of(v.since)},
      {"at", date_of(v.at)},       {"sentence", policies::sentence(v, vm)},
      {"certain", v.certain},      {"reasons", json::array(v.reasons.begin(), v.reasons.end())}};
  if (v.spinning) o["spinning"] = true;
  if (v.other_lock) o["lock"] = "other";
  if (v.holder) o["holder"] = json::object{{"tid", v.holder->tid}, {"comm", v.holder->comm}};
  if (!v.further_roots.empty()) {
    json::array more;
    for (const auto& r : v.further_roots) more.push_back(root_json(r));
    o["further_roots"] = std::move(more);
  }
  return o;
}

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

json::object to_json(const policies::policy& p) {
  const auto words = [](policies::duration d) { return policies::in_words(d); };
  json::array ladder;
  for (const auto& r : p.ladder)
    ladder.push_back(json::object{{"action", to_string(r.action)},
                                  {"verify_within", words(r.verify_within)},
                                  {"verify_within_ms", ms(r.verify_within)}});
  const auto texts = [](const std::vector<std::string>& list) {
    return json::array(list.begin(), list.end());
  };
  return {
      {"name", p.name},
      {"description", p.description},
      {"condition", to_string(p.condition)},
      {"states", texts(p.states)},
      {"match", {{"names", texts(p.match.names)}, {"uuids", texts(p.match.uuids)}}},
      {"patience", words(p.patience)},
      {"patience_ms", ms(p.patience)},
      {"ladder", std::move(ladder)},
      {"authority", to_string(p.needs)},
      {"enabled", p.enabled},
      {"dry_run", p.dry_run},
      {"budget",
       {{"per_vm", p.budget.per_vm}, {"per_host", p.budget.per_host}, {"window", words(p.budget.window)}}},
      {"cooldown", words(p.cooldown)},
      {"source", p.source}};
}

json::object details(const vm_watcher& w) {
  auto o = to_json(w);
  o["socket"] = or_null(w.where().path);
  o["nodes"] = nodes_json(w.model());
  o["events"] = events_json(w.model());
  o["evidence"] = w.suspicion().samples().empty() ? json::value(nullptr)
                                                  : json::value(facts_json(w.suspicion().samples().back()));
  return o;
}

std::string evidence_json(const std::vector<policies::process_facts>& samples, const policies::vm_model& vm) {
  json::array list;
  for (const auto& s : samples) list.push_back(facts_json(s));
  return json::serialize(json::object{{"samples", std::move(list)},
                                      {"run_state", vm.run_state},
                                      {"migration", migration_json(vm.migration)},
                                      {"jobs", jobs_json(vm)},
                                      {"nodes", nodes_json(vm)},
                                      {"events", events_json(vm)}});
}

}  // namespace unwedge::watch
