// The last events of a VM, for people. Pure.
#pragma once

#include "policies/evidence.hpp"
#include "qmp/message.hpp"

#include <string>
#include <vector>

namespace unwedge::policies {

/// One event as it came, shortened.
struct history_entry {
  instant at{};
  std::chrono::microseconds timestamp{0};
  std::string name;
  std::string data;  ///< JSON text, at most history::data_bytes
};

/// The last events of a VM; its slots are reused, and an idle VM has none.
class history {
 public:
  static constexpr std::size_t capacity = 32;
  static constexpr std::size_t data_bytes = 400;
  void add(const qmp::event& e, instant now);
  std::vector<const history_entry*> oldest_first() const;

 private:
  std::vector<history_entry> ring_;
  std::size_t next_ = 0;
};

}  // namespace unwedge::policies
