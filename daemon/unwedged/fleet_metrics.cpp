#include "daemon/unwedged/fleet_metrics.hpp"

namespace unwedge {

watch::meters meters_into(surface::daemon_metrics& metrics) {
  return {.probe_answered = [&metrics](std::chrono::microseconds t) { metrics.probe_answered(t); },
          .event_received = [&metrics] { metrics.event(); },
          .verdict_reached = [&metrics](std::string_view kind) { metrics.verdict(kind); },
          .step_ended = [&metrics](std::string_view action,
                                   std::string_view result) { metrics.step(action, result); },
          .incident_closed = [&metrics](std::string_view c, std::string_view o) { metrics.incident(c, o); },
          .protocol_error = [&metrics](std::string_view reason) { metrics.protocol_error(reason); },
          .evidence_taken = [&metrics](std::chrono::microseconds t) { metrics.evidence_collected(t); }};
}

std::vector<surface::vm_metrics_row> metrics_rows(const watch::fleet& fleet) {
  std::vector<surface::vm_metrics_row> rows;
  const auto now = std::chrono::steady_clock::now();
  for (const auto& w : fleet.all()) {
    const auto& vm = w->model();
    surface::vm_metrics_row row{.vm = w->name(), .state = std::string(to_string(w->state()))};
    if (vm.monitor.last_reply) {
      row.last_reply_age =
          std::chrono::duration_cast<std::chrono::milliseconds>(now - *vm.monitor.last_reply);
    }
    row.monitor_connected = vm.monitor.ready;
    row.oob = vm.monitor.oob;
    row.core_flagged = w->core_flagged();
    row.jobs = vm.jobs.size();
    row.migration_active = vm.migration && is_running(*vm.migration);
    row.events_total = vm.event_count;
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace unwedge
