// The metrics of each VM, built from the daemon's state at every scrape: nothing is kept per VM here.
#pragma once

#include <prometheus/collectable.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace unwedge::surface {

struct vm_metrics_row {
  std::string vm;     ///< its name: any bytes, made valid UTF-8 here; a name that occurs twice gets "#2"
  std::string state;  ///< healthy | suspect | stalled | held | gone
  std::optional<std::chrono::milliseconds> last_reply_age;  ///< since the monitor last answered
  bool monitor_connected = false;
  bool oob = false;
  bool core_flagged = false;  ///< prepared for the kernel's core
  std::size_t jobs = 0;
  bool migration_active = false;
  std::uint64_t events_total = 0;
};

class vm_collector : public prometheus::Collectable {
 public:
  /// `rows` is called on each scrape, on the scraper's thread: the daemon's only one.
  explicit vm_collector(std::function<std::vector<vm_metrics_row>()> rows) : rows_(std::move(rows)) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  std::function<std::vector<vm_metrics_row>()> rows_;
};

}  // namespace unwedge::surface
