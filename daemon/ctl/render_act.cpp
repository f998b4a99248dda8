#include "daemon/ctl/json_text.hpp"
#include "daemon/ctl/printable.hpp"
#include "daemon/ctl/render.hpp"
#include "daemon/ctl/words.hpp"

#include <fmt/format.h>

namespace unwedge::ctl {

std::string render_act_plan(const boost::json::object& act) {
  return printable(text_at(act, "vm")) + ": " + printable(text_at(act, "plan")) + '\n';
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
