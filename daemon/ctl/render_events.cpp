#include "daemon/ctl/json_text.hpp"
#include "daemon/ctl/printable.hpp"
#include "daemon/ctl/render.hpp"

#include <fmt/format.h>

namespace unwedge::ctl {
namespace {

namespace json = boost::json;

style style_of_event(std::string_view type) {
  if (type == "healthy" || type == "recovered") return style::good;
  if (type == "suspect" || type == "disconnected") return style::doubtful;
  if (type == "verdict" || type == "stalled") return style::bad;
  if (type == "hold") return style::held;
  return type == "gone" ? style::dim : style::plain;
}

/// "2026-11-22 21:50:12.345": an event's milliseconds matter.
std::string exact_time(std::string_view text) {
  if (!parse_time(text)) return date_and_time(text);
  auto const fraction = text.size() == 24 ? text.substr(19, 4) : std::string_view(".000");
  return date_and_time(text) + std::string(fraction);
}

/// Left-aligned in at least `width` columns, never cut: columns that stay put while events stream in.
std::string padded(const std::string& text, std::size_t width) {
  auto const used = width_of(text);
  return text + std::string(used < width ? width - used : 0, ' ');
}

}  // namespace

std::string render_event(const json::object& event, const view& to) {
  auto const type = text_at(event, "type");
  auto out = styled(padded(exact_time(text_at(event, "at")), 23), style::dim, to) + "  " +
             padded(printable(text_at(event, "vm")), 12) + "  " +
             styled(padded(printable(type), 12), style_of_event(type), to) + "  ";
  constexpr std::size_t begin = 23 + 12 + 12 + 6;  // hanging indent, where there is room for one
  auto const text = printable(text_at(event, "text"));
  if (to.width < begin + 30) return out + text + '\n';
  auto const lines = wrap(text, to.width - begin);
  for (std::size_t i = 0; i < lines.size(); ++i)
    out += (i == 0 ? "" : std::string(begin, ' ')) + lines[i] + '\n';
  return out;
}

std::string render_events_heading(const view& to) {
  return styled(fmt::format("{:<23}  {:<12}  {:<12}  {}", "TIME (UTC)", "VM", "EVENT", "WHAT"),
                style::heading, to) +
         '\n';
}

std::string render_events(const json::array& events, const view& to) {
  if (events.empty()) return "no events yet\n";
  auto out = render_events_heading(to);
  for (auto const& each : events) {
    if (auto const* event = each.if_object()) out += render_event(*event, to);
  }
  return out;
}

}  // namespace unwedge::ctl
