#include "daemon/watch/event_hub.hpp"

#include "daemon/incident/timestamp.hpp"

namespace unwedge::watch {

void event_hub::publish(std::string_view type, std::string_view vm, std::string text,
                        boost::json::object more) {
  boost::json::object event{{"seq", next_seq_++},
                            {"at", incidents::to_rfc3339(std::chrono::system_clock::now())},
                            {"vm", vm},
                            {"type", type},
                            {"text", text}};
  for (auto& [key, value] : more) event[key] = std::move(value);
  ring_.push_back(boost::json::serialize(event));
  if (ring_.size() > kept) ring_.pop_front();
  if (listener_) listener_(ring_.back());
}

std::string event_hub::json() const {
  std::string out = "[";
  for (const auto& e : ring_) {
    if (out.size() > 1) out += ',';
    out += e;
  }
  return out + "]";
}

}  // namespace unwedge::watch
