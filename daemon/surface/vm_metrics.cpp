#include "daemon/surface/vm_metrics.hpp"

#include "systemd/utf8.hpp"

#include <fmt/format.h>
#include <prometheus/metric_family.h>

#include <array>
#include <set>
#include <string_view>

namespace unwedge::surface {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr std::array<std::string_view, 5> states = {"healthy", "suspect", "stalled", "held", "gone"};

ClientMetric sample(const std::string& vm, double value, MetricType type) {
  ClientMetric metric;
  metric.label.push_back({"vm", vm});
  (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  return metric;
}

/// A family with one sample a row, where `value` gives one.
MetricFamily family(std::string_view name, std::string_view help, MetricType type,
                    const std::vector<vm_metrics_row>& rows,
                    std::optional<double> (*value)(const vm_metrics_row&)) {
  MetricFamily made{fmt::format("unwedge_vm_{}", name), std::string(help), type, {}};
  made.metric.reserve(rows.size());
  for (auto const& row : rows) {
    if (auto const v = value(row)) made.metric.push_back(sample(row.vm, *v, type));
  }
  return made;
}

MetricFamily state_family(const std::vector<vm_metrics_row>& rows) {
  MetricFamily made{
      "unwedge_vm_state", "1 for the state that the VM is in, 0 for the others.", MetricType::Gauge, {}};
  made.metric.reserve(rows.size() * states.size());
  for (auto const& row : rows) {
    for (auto const state : states) {
      auto& metric = made.metric.emplace_back(sample(row.vm, row.state == state ? 1 : 0, MetricType::Gauge));
      metric.label.push_back({"state", std::string(state)});
    }
  }
  return made;
}

/// Two samples with the same labels make Prometheus refuse the whole scrape; names come from the VMs.
void make_unique(std::vector<vm_metrics_row>& rows) {
  std::set<std::string> taken;
  for (auto& row : rows) {
    auto const name = systemd::valid_utf8(std::move(row.vm));
    row.vm = name;
    for (int copy = 2; !taken.insert(row.vm).second; ++copy) row.vm = fmt::format("{}#{}", name, copy);
  }
}

}  // namespace

std::vector<MetricFamily> vm_collector::Collect() const {
  auto rows = rows_();
  make_unique(rows);
  using row = const vm_metrics_row&;
  using value = std::optional<double>;
  auto const gauge = MetricType::Gauge;
  return {
      state_family(rows),
      family("monitor_last_reply_seconds", "Time since the monitor last answered.", gauge, rows,
             [](row r) -> value {
               if (!r.last_reply_age) return std::nullopt;
               return std::chrono::duration<double>(*r.last_reply_age).count();
             }),
      family("monitor_connected", "1 while a QMP session is negotiated.", gauge, rows,
             [](row r) -> value { return r.monitor_connected; }),
      family("oob", "1 if the session can execute out-of-band commands.", gauge, rows,
             [](row r) -> value { return r.oob; }),
      family("core_flagged", "1 if the process is prepared for the kernel's core.", gauge, rows,
             [](row r) -> value { return r.core_flagged; }),
      family("jobs", "Block jobs that QEMU knows of.", gauge, rows,
             [](row r) -> value { return static_cast<double>(r.jobs); }),
      family("migration_active", "1 while a migration runs.", gauge, rows,
             [](row r) -> value { return r.migration_active; }),
      family("events_total", "QMP events received.", MetricType::Counter, rows,
             [](row r) -> value { return static_cast<double>(r.events_total); }),
  };
}

}  // namespace unwedge::surface
