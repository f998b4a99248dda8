// The daemon's own metrics: what it did and how long that took. The watcher and the executor count here; the
// HTTP server reads them.
#pragma once

#include <prometheus/collectable.h>

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace unwedge::surface {

class daemon_metrics {
 public:
  using seconds = std::chrono::duration<double>;

  explicit daemon_metrics(std::string version);
  ~daemon_metrics();

  void probe_answered(seconds latency);  ///< counts the probe, too
  void probe_unanswered();               ///< given up, or the connection ended first
  void event();                          ///< a QMP event of any VM

  /// The labels are names of ours, as in the contracts; of "failed: WHY" only "failed" is kept, so that no
  /// foreign text makes a label.
  void verdict(std::string_view kind);
  void step(std::string_view action, std::string_view result);
  void incident(std::string_view condition, std::string_view outcome);
  void protocol_error(std::string_view reason);

  void evidence_collected(seconds took);
  void host_starved(bool is);

  std::shared_ptr<prometheus::Collectable> collectable() const;

 private:
  struct families;
  std::unique_ptr<families> families_;
};

/// Prometheus's text format of all of them; those that are gone are left out.
std::string metrics_text(std::span<const std::weak_ptr<prometheus::Collectable>> collectables);

}  // namespace unwedge::surface
