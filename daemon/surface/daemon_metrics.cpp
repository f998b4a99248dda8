#include "daemon/surface/daemon_metrics.hpp"

#include "systemd/utf8.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <iterator>
#include <vector>

namespace unwedge::surface {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Histogram;
using prometheus::Registry;

/// A probe takes microseconds on a healthy VM, and seconds before a stall; 168 s is a correct answer once
/// seen.
const Histogram::BucketBoundaries probe_buckets = {
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 180};
const Histogram::BucketBoundaries evidence_buckets = {0.0005, 0.001, 0.0025, 0.005, 0.01,
                                                      0.025,  0.05,  0.1,    0.25,  1};

Family<Counter>& counters(Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

Histogram& histogram(Registry& registry, const char* name, const char* help,
                     const Histogram::BucketBoundaries& at) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add({}, at);
}

std::string label(std::string_view text) {
  return systemd::valid_utf8(std::string(text.substr(0, text.find(':'))));
}

}  // namespace

struct daemon_metrics::families {
  std::shared_ptr<Registry> registry = std::make_shared<Registry>();
  Counter& probes =
      counters(*registry, "unwedge_probes_total", "Probes that ended, answered or not.").Add({});
  Histogram& latency =
      histogram(*registry, "unwedge_probe_latency_seconds", "Time to the answer.", probe_buckets);
  Counter& events = counters(*registry, "unwedge_events_total", "QMP events received.").Add({});
  Family<Counter>& verdicts = counters(*registry, "unwedge_verdicts_total", "Verdicts reached.");
  Family<Counter>& steps =
      counters(*registry, "unwedge_steps_total", "Steps of remedies, and what came of them.");
  Family<Counter>& incidents = counters(*registry, "unwedge_incidents_total", "Incidents closed.");
  Family<Counter>& protocol =
      counters(*registry, "unwedge_protocol_errors_total", "Sessions ended for breaking QMP.");
  Histogram& evidence = histogram(*registry, "unwedge_evidence_seconds",
                                  "Time to collect one sample of evidence.", evidence_buckets);
  prometheus::Gauge& starved = prometheus::BuildGauge()
                                   .Name("unwedge_host_starved")
                                   .Help("1 while the host is not well and all actions are held.")
                                   .Register(*registry)
                                   .Add({});
};

daemon_metrics::daemon_metrics(std::string version) : families_(std::make_unique<families>()) {
  prometheus::BuildGauge()
      .Name("unwedge_build_info")
      .Help("Always 1; the version is the label.")
      .Register(*families_->registry)
      .Add({{"version", std::move(version)}})
      .Set(1);
}
daemon_metrics::~daemon_metrics() = default;

void daemon_metrics::probe_answered(seconds latency) {
  families_->probes.Increment();
  families_->latency.Observe(latency.count());
}
void daemon_metrics::probe_unanswered() {
  families_->probes.Increment();
}
void daemon_metrics::event() {
  families_->events.Increment();
}
void daemon_metrics::verdict(std::string_view kind) {
  families_->verdicts.Add({{"kind", label(kind)}}).Increment();
}
void daemon_metrics::step(std::string_view action, std::string_view result) {
  families_->steps.Add({{"action", label(action)}, {"result", label(result)}}).Increment();
}
void daemon_metrics::incident(std::string_view condition, std::string_view outcome) {
  families_->incidents.Add({{"condition", label(condition)}, {"outcome", label(outcome)}}).Increment();
}
void daemon_metrics::protocol_error(std::string_view reason) {
  families_->protocol.Add({{"reason", label(reason)}}).Increment();
}
void daemon_metrics::evidence_collected(seconds took) {
  families_->evidence.Observe(took.count());
}

void daemon_metrics::host_starved(bool is) {
  families_->starved.Set(is ? 1 : 0);
}

std::shared_ptr<prometheus::Collectable> daemon_metrics::collectable() const {
  return families_->registry;
}

std::string metrics_text(std::span<const std::weak_ptr<prometheus::Collectable>> collectables) {
  std::vector<prometheus::MetricFamily> families;
  for (auto const& weak : collectables) {
    auto const collectable = weak.lock();
    if (!collectable) continue;
    auto collected = collectable->Collect();
    std::ranges::move(collected, std::back_inserter(families));
  }
  prometheus::TextSerializer const text;
  return static_cast<const prometheus::Serializer&>(text).Serialize(families);
}

}  // namespace unwedge::surface
