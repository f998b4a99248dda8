#include "daemon/ctl/json_text.hpp"
#include "daemon/ctl/printable.hpp"
#include "daemon/ctl/render.hpp"

#include <fmt/format.h>

namespace unwedge::ctl {
namespace {

namespace json = boost::json;

std::string fact(std::string_view name, std::string_view value, const view& to) {
  if (value.empty() || value == "-") return {};
  auto lines = paragraph(value, 13, to);
  return "  " + styled(fmt::format("{:<11}", name), style::dim, to) + lines.substr(13);
}

std::string monitor(const json::object& vm) {
  auto const* qmp = object_at(vm, "qmp");
  if (qmp == nullptr) return {};
  std::string out = flag_at(*qmp, "connected") ? "connected" : "not connected";
  out += flag_at(*qmp, "oob") ? ", out-of-band" : ", in-band only";
  auto const age = duration_at(*qmp, "last_reply_ms");
  if (age) out += fmt::format(", last reply {} ago", in_words(*age));
  auto const* version = qmp->if_contains("version");
  if (version != nullptr && !version->is_null()) out += ", QEMU " + brief(*version);
  return out;
}

/// The objects of an array as a table of their members `keys`, titled as given; "" for none.
std::string members(const json::array* items, std::string_view heading, const std::vector<column>& columns,
                    const view& to) {
  if (items == nullptr || items->empty()) return {};
  std::vector<row> rows;
  for (auto const& each : *items) {
    auto const* item = each.if_object();
    if (item == nullptr) continue;
    auto& cells = rows.emplace_back().cells;
    for (auto const& c : columns) {
      std::string key(c.title);
      for (auto& letter : key)
        letter = static_cast<char>(letter >= 'A' && letter <= 'Z' ? letter + 32 : letter);
      auto const* value = item->if_contains(key);
      auto text = key == "done" ? job_progress(*item) : value == nullptr ? std::string() : brief(*value);
      if (key == "at") text = date_and_time(text_at(*item, "at"));
      cells.push_back({text.empty() || text == "null" ? "-" : std::move(text)});
    }
  }
  return fmt::format("\n{}\n{}", styled(std::string(heading), style::heading, to), table(columns, rows, to));
}

}  // namespace

std::string render_vm(const json::object& vm, const view& to) {
  auto const state = text_at(vm, "state");
  auto out =
      fmt::format("{}  {} for {}\n", styled(printable(text_at(vm, "name")), style::heading, to),
                  styled(printable(state), style_of_state(state), to), since(text_at(vm, "since"), to.now));
  out += fact("run state", printable(text_at(vm, "run_state")), to);
  out += fact("monitor", monitor(vm), to);
  out += fact("migration", migration_in_words(vm), to);
  out += fact("authority", printable(text_at(vm, "authority")), to);
  auto const pid = number_at(vm, "pid");
  if (pid) out += fact("process", fmt::format("{:.0f}", *pid), to);
  out += fact("uuid", printable(text_at(vm, "uuid")), to);
  out += fact("guard", printable(text_at(vm, "guard")), to);
  if (auto const* hold = object_at(vm, "hold")) out += fact("held", hold_in_words(*hold, to), to);
  out += fact("incident", printable(text_at(vm, "incident")), to);
  if (auto const* verdict = object_at(vm, "verdict")) {
    out += '\n' + verdict_block(*verdict, to);
  } else if (auto const* suspicion = object_at(vm, "suspicion")) {
    auto const age = since(text_at(*suspicion, "since"), to.now);
    out += fmt::format("\n{}  for {}\n{}", styled("Suspicion", style::heading, to), age,
                       paragraph(printable(text_at(*suspicion, "sentence")), 2, to));
  }
  out += conditions_section(vm, to);
  out += members(array_at(vm, "jobs"), "Jobs", {{"ID", 8}, {"TYPE"}, {"STATUS"}, {"DONE"}}, to);
  out += members(array_at(vm, "nodes"), "Block nodes", {{"NAME", 12}, {"DRIVER"}, {"PEER", 12}}, to);
  out += members(array_at(vm, "events"), "Last events (UTC)", {{"AT"}, {"NAME"}, {"DATA", 10}}, to);
  return out;
}

}  // namespace unwedge::ctl
