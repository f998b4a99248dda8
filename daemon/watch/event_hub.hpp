// What happened, for people and programs that watch: a bounded memory of the last events of all VMs, and the
// listeners that get each as it comes (`unwedgectl events --follow`). One thread.
#pragma once

#include <boost/json.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>

namespace unwedge::watch {

class event_hub {
 public:
  using listener = std::function<void(const std::string& json)>;

  /// `type` is one of: discovered, connected, disconnected, suspect, healthy, verdict, note, step, closed,
  /// gone, reload. `vm` may be empty (about the daemon itself).
  void publish(std::string_view type, std::string_view vm, std::string text, boost::json::object more = {});

  void listen(listener l) { listener_ = std::move(l); }

  /// The events kept, oldest first, as the JSON array of the contract: [{seq, at, vm, type, text, ...}].
  std::string json() const;

 private:
  static constexpr std::size_t kept = 1'000;
  std::deque<std::string> ring_;
  std::uint64_t next_seq_ = 1;
  listener listener_;
};

}  // namespace unwedge::watch
