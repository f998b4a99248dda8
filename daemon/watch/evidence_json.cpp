#include "daemon/watch/evidence_json.hpp"

#include "daemon/watch/json_values.hpp"
#include "daemon/watch/vm_model_json.hpp"

namespace unwedge::watch {
namespace {

namespace json = boost::json;

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

}  // namespace

json::object to_json(const policies::process_facts& f) {
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

std::string evidence_json(const std::vector<policies::process_facts>& samples, const policies::vm_model& vm) {
  json::array list;
  for (const auto& s : samples) list.push_back(to_json(s));
  return json::serialize(json::object{{"samples", std::move(list)},
                                      {"run_state", vm.run_state},
                                      {"migration", migration_json(vm.migration)},
                                      {"jobs", jobs_json(vm)},
                                      {"nodes", nodes_json(vm)},
                                      {"events", events_json(vm)}});
}

}  // namespace unwedge::watch
