#include "daemon/ctl/json_text.hpp"
#include "daemon/ctl/printable.hpp"
#include "daemon/ctl/render.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace unwedge::ctl {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 5> by_urgency = {"stalled", "suspect", "gone", "held", "healthy"};

std::size_t urgency(std::string_view state) {
  return static_cast<std::size_t>(std::ranges::find(by_urgency, state) - by_urgency.begin());
}

std::string jobs_in_words(const json::object& vm) {
  auto const* jobs = array_at(vm, "jobs");
  if (jobs == nullptr || jobs->empty()) return "-";
  std::string out;
  for (auto const& each : *jobs) {
    auto const* job = each.if_object();
    if (job == nullptr) continue;
    if (!out.empty()) out += ", ";
    out += printable(text_at(*job, "id"));
    auto const done = job_progress(*job);
    if (!done.empty()) out += ' ' + done;
  }
  return or_dash(out);
}

cell monitor_cell(const json::object& vm) {
  auto const* qmp = object_at(vm, "qmp");
  if (qmp == nullptr) return {"-"};
  if (text_at(vm, "watched_by") == "process") return {"none enrolled", style::doubtful};
  if (!flag_at(*qmp, "connected")) return {"not connected", style::doubtful};
  auto const age = duration_at(*qmp, "last_reply_ms");
  auto const replied = age ? in_words(*age) + " ago" : "no reply";
  return {replied + (flag_at(*qmp, "oob") ? ", oob" : ", in-band only")};
}

/// What stands under the row of a VM in trouble: why, and why nothing is done about it.
std::vector<std::string> explanation(const json::object& vm, const view& to) {
  std::vector<std::string> out;
  auto const* verdict = object_at(vm, "verdict");
  auto const* said = verdict != nullptr ? verdict : object_at(vm, "suspicion");
  auto const sentence = said != nullptr ? text_at(*said, "sentence") : std::string_view();
  if (!sentence.empty()) out.push_back(printable(sentence));
  auto const conditions = verdict == nullptr ? conditions_in_words(vm, to) : std::vector<std::string>();
  out.insert(out.end(), conditions.begin(), conditions.end());
  auto const incident = text_at(vm, "incident");
  if (!incident.empty()) {
    if (out.empty()) out.emplace_back();
    out.back() += fmt::format("{}Incident {}.", out.back().empty() ? "" : " ", printable(incident));
  }
  // An armed guard is as it should be, and one beside no condition is nothing that holds.
  auto const guard = text_at(vm, "guard");
  if (!conditions.empty() && !guard.empty() && guard != "armed")
    out.push_back(fmt::format("Switchover guard: {}.", printable(guard)));
  if (auto const* hold = object_at(vm, "hold")) out.push_back("Held " + hold_in_words(*hold, to));
  return out;
}

row row_of(const json::object& vm, const view& to) {
  auto const state = text_at(vm, "state");
  return {{{or_dash(printable(text_at(vm, "name")))},
           {or_dash(printable(state)), style_of_state(state)},
           {since(text_at(vm, "since"), to.now)},
           {or_dash(printable(text_at(vm, "run_state")))},
           {migration_in_words(vm)},
           {jobs_in_words(vm)},
           monitor_cell(vm),
           {or_dash(printable(text_at(vm, "authority")))}},
          explanation(vm, to)};
}

/// "3 VMs: 1 stalled, 2 healthy".
std::string count(const std::vector<const json::object*>& vms) {
  std::string out;
  for (auto const state : by_urgency) {
    auto const n = std::ranges::count_if(vms, [=](auto const* vm) { return text_at(*vm, "state") == state; });
    if (n > 0) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", n, state);
  }
  return fmt::format("{} VM{}: {}\n", vms.size(), vms.size() == 1 ? "" : "s", or_dash(out));
}

/// All VMs say the same of their host.
std::string host_in_words(const json::object& vm) {
  auto const why = printable(text_at(vm, "host_starved"));
  return why.empty() ? "" : fmt::format("The host is not well, so all actions are held: {}.\n", why);
}

}  // namespace

std::string render_list(const json::array& list, const view& to) {
  std::vector<const json::object*> vms;
  for (auto const& each : list) {
    if (auto const* vm = each.if_object()) vms.push_back(vm);
  }
  if (vms.empty()) return "no VMs: none of the sockets in [discover] answered; see unwedgectl events\n";
  std::vector<row> rows;
  for (std::size_t rank = 0; rank <= by_urgency.size(); ++rank) {
    for (auto const* vm : vms) {
      if (urgency(text_at(*vm, "state")) == rank) rows.push_back(row_of(*vm, to));
    }
  }
  return table({{"NAME", 12},
                {"STATE"},
                {"SINCE"},
                {"RUN-STATE", 9},
                {"MIGRATION", 9},
                {"JOBS", 8},
                {"MONITOR", 10},
                {"AUTHORITY"}},
               rows, to) +
         '\n' + count(vms) + host_in_words(*vms.front());
}

}  // namespace unwedge::ctl
