#include "policies/model/history.hpp"

#include "policies/model/limits.hpp"

namespace unwedge::policies {

void history::add(const qmp::event& e, instant now) {
  if (ring_.size() < capacity) ring_.emplace_back();
  auto& slot = ring_[next_];
  next_ = (next_ + 1) % capacity;
  slot.at = now;
  slot.timestamp = e.timestamp;
  slot.name.assign(e.name.substr(0, text_bytes));
  slot.data.assign(e.raw.substr(0, data_bytes));
}

std::vector<const history_entry*> history::oldest_first() const {
  std::vector<const history_entry*> out;
  out.reserve(ring_.size());
  for (std::size_t i = 0; i < ring_.size(); ++i) {
    out.push_back(&ring_[ring_.size() < capacity ? i : (next_ + i) % capacity]);
  }
  return out;
}

}  // namespace unwedge::policies
