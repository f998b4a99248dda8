#include "daemon/ctl/json_text.hpp"
#include "daemon/ctl/printable.hpp"
#include "daemon/ctl/render.hpp"
#include "daemon/ctl/words.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace unwedge::ctl {
namespace {

/// What has to hold, one a line: "  ok  mutex         the BQL at 0x... is held by thread 7104".
std::string preconditions(const boost::json::array& all) {
  std::size_t width = 0;
  for (auto const& each : all)
    if (auto const* p = each.if_object()) width = std::max(width, printable(text_at(*p, "name")).size());
  std::string out;
  for (auto const& each : all) {
    auto const* p = each.if_object();
    if (p == nullptr) continue;
    out += fmt::format("  {}  {:<{}}  {}\n", flag_at(*p, "ok") ? "ok" : "NO", printable(text_at(*p, "name")),
                       width, printable(text_at(*p, "sentence")));
  }
  return out;
}

}  // namespace

std::string render_act_plan(const boost::json::object& act) {
  auto const* needed = array_at(act, "preconditions");
  return printable(text_at(act, "vm")) + ": " + printable(text_at(act, "plan")) + '\n' +
         (needed != nullptr ? preconditions(*needed) : "");
}

std::string render_act_progress(std::string_view action, std::chrono::nanoseconds since) {
  return fmt::format("{}: under way for {} s", printable(action),
                     std::chrono::duration_cast<std::chrono::seconds>(since).count());
}

std::string render_act(const boost::json::object& act) {
  auto const text = text_at(act, "text");
  if (text.empty()) return {};
  return printable(text_at(act, "vm")) + ": " + printable(text) + '\n';
}

}  // namespace unwedge::ctl
