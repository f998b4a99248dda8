#include "daemon/ctl/json_text.hpp"
#include "daemon/ctl/printable.hpp"
#include "daemon/ctl/render.hpp"

#include <fmt/format.h>

#include <utility>

namespace unwedge::ctl {
namespace {

std::string percent(std::optional<double> done, std::optional<double> all) {
  if (!done || !all || !(*all > 0) || *done < 0) return {};
  return fmt::format("{} %", *done >= *all ? 100 : static_cast<int>(*done / *all * 100));
}

}  // namespace

std::string or_dash(std::string text) {
  return text.empty() ? "-" : std::move(text);
}

style style_of_state(std::string_view state) {
  if (state == "healthy") return style::good;
  if (state == "suspect") return style::doubtful;
  if (state == "stalled") return style::bad;
  if (state == "held") return style::held;
  if (state == "gone") return style::dim;
  return style::plain;
}

std::string job_progress(const boost::json::object& job) {
  return percent(number_at(job, "offset"), number_at(job, "len"));
}

std::string migration_in_words(const boost::json::object& vm) {
  auto const* migration = object_at(vm, "migration");
  if (migration == nullptr) return "-";
  auto text = printable(text_at(*migration, "status"));
  if (text.empty()) return "-";
  auto const* ram = object_at(*migration, "ram");
  if (ram == nullptr || (text != "active" && text != "device" && text != "pre-switchover")) return text;
  auto const total = number_at(*ram, "total");
  auto const remaining = number_at(*ram, "remaining");
  auto const done = total && remaining ? percent(*total - *remaining, total) : std::string();
  return done.empty() ? text : fmt::format("{} {}", text, done);
}

std::string verdict_block(const boost::json::object& verdict, const view& to) {
  auto out = styled("Verdict", style::heading, to) + "  " + printable(text_at(verdict, "kind"));
  auto const since_when = text_at(verdict, "since");
  if (!since_when.empty()) out += ", stalled since " + date_and_time(since_when);
  out += '\n' + paragraph(printable(text_at(verdict, "sentence")), 2, to);
  if (auto const* reasons = array_at(verdict, "reasons")) {
    for (auto const& reason : *reasons) out += paragraph("- " + brief(reason), 2, to);
  }
  return out;
}

}  // namespace unwedge::ctl
