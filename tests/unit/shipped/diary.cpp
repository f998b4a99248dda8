#include "diary.hpp"

#include "policies/guard/brake.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace unwedge::policies::fake {
namespace {

std::string line_of(instant now, const std::string& line) {
  return fmt::format("{:.1f} {}", std::chrono::duration<double>(now.time_since_epoch()).count(), line);
}

std::string name_in(const boost::json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  return v != nullptr && v->is_string() ? std::string(v->as_string()) : "";
}

}  // namespace

void diary::tell(instant now, const std::string& line) {
  story_.push_back(line_of(now, line));
  transcript_.push_back("  " + story_.back());
}

void diary::remark(instant now, const std::string& line) {
  transcript_.push_back("      " + line_of(now, line));
}

std::string diary::transcript() const {
  return fmt::format("{}", fmt::join(transcript_, "\n"));
}

namespace {

std::string nodes_in(const boost::json::object& o) {
  std::string out;
  const auto* nodes = o.if_contains("nodes");
  if (nodes == nullptr) return " migration";
  for (const auto& n : nodes->as_array()) out += " " + std::string(n.as_string());
  return out;
}

std::string lease_in_short(const boost::json::object& o) {
  const auto& cut = o.at("cut").as_object();
  std::string how;
  if (const auto* yanked = cut.if_contains("yank")) {
    const auto& all = yanked->as_array();
    const bool migration =
        std::ranges::any_of(all, [](const auto& i) { return name_in(i.as_object(), "type") == "migration"; });
    how = migration ? "yank migration" : "yank";
  }
  if (cut.contains("sever")) how += how.empty() ? "sever" : ", sever";
  return fmt::format("lease: {}{}{}", o.at("cancel_migration").as_bool() ? "cancel, " : "", how, nodes_in(o));
}

}  // namespace

std::string in_short(const step& s) {
  if (s.action == "yank") {
    std::string out = "yank";
    for (const auto& i : s.arguments.at("instances").as_array()) {
      const auto node = name_in(i.as_object(), "node-name");
      out += " " + (node.empty() ? name_in(i.as_object(), "type") : node);
    }
    return out;
  }
  if (s.action == "sever-root") return "sever" + nodes_in(s.arguments);
  if (s.action == "rescue-root") return lease_in_short(s.arguments);
  if (guard::brake::is_press(s)) return "brake on";
  if (guard::brake::is_release(s)) return "brake off";
  if (s.action == "migrate-set-capabilities") {
    const auto& first = s.arguments.at("capabilities").as_array().front().as_object();
    return fmt::format("{} {}", name_in(first, "capability"), first.at("state").as_bool() ? "on" : "off");
  }
  const auto job = name_in(s.arguments, "device") + name_in(s.arguments, "id");
  return job.empty() ? s.action : s.action + " " + job;
}

}  // namespace unwedge::policies::fake
