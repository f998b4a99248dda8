#include "policies/guard/account.hpp"

#include <fmt/format.h>

#include <utility>

namespace unwedge::policies::guard {

void account::open(const std::string& policy, condition c, std::vector<decision>& out) {
  open_ = true;
  recorded_.clear();
  out.push_back({key_, open_incident{policy, std::move(c), std::nullopt}});
}

void account::take_up(std::size_t on_record) {
  open_ = true;
  next_ = on_record;
}

void account::note(std::string text, std::vector<decision>& out) {
  if (open_ && std::exchange(last_note_, text) != text) out.push_back({key_, add_note{std::move(text)}});
}

void account::take(step s, std::vector<decision>& out) {
  out.push_back({key_, take_step{next_++, std::move(s)}});
}

void account::decline(step s, const std::string& why, std::string result, std::vector<decision>& out) {
  constexpr std::size_t most = 16;
  if (recorded_.size() >= most || !recorded_.insert(s.action + result).second) return;
  note(fmt::format("Would {}: {}.", s.action, why), out);
  last_result_ = result;
  out.push_back({key_, record_step{next_++, std::move(s), std::move(result)}});
}

void account::close(std::string outcome, std::vector<decision>& out) {
  out.push_back({key_, close_incident{std::move(outcome)}});
  open_ = false;
  last_note_.clear();
  last_result_.clear();
  recorded_.clear();
  next_ = 0;
}

}  // namespace unwedge::policies::guard
