// What unwedgectl can ask: each method gives the JSON of a contract (design.md). Asks no QEMU;
// what an operator wants done is in operator_acts.cpp.
#include "daemon/unwedged/daemon.hpp"
#include "daemon/unwedged/incident_files.hpp"
#include "daemon/watch/policy_json.hpp"
#include "daemon/watch/views.hpp"
#include "qmp/json_fields.hpp"

#include <fmt/ranges.h>

#include <algorithm>

namespace unwedge {
namespace {

namespace json = boost::json;
using systemd::bus_reply;

json::value stored_json(const incidents::stored_incident& s) {
  auto o = incidents::to_json(s.incident);
  if (!s.error.empty()) o["error"] = s.error;
  return o;
}

}  // namespace

systemd::bus_methods daemon::methods() {
  return {{"List", [this](std::string a) { return list(std::move(a)); }},
          {"Show", [this](std::string a) { return show(std::move(a)); }},
          {"Inspect", [this](std::string a) { return inspect(std::move(a)); }},
          {"Incidents", [this](std::string a) { return incidents(std::move(a)); }},
          {"Incident", [this](std::string a) { return incident(std::move(a)); }},
          {"IncidentFile", [this](std::string a) { return incident_file(std::move(a)); }},
          {"Events", [this](std::string a) { return events(std::move(a)); }},
          {"Policies", [this](std::string a) { return policies_in_force(std::move(a)); }},
          {"Hold", [this](std::string a) { return hold(std::move(a)); }},
          {"Release", [this](std::string a) { return release(std::move(a)); }},
          {"Act", [this](std::string a) { return act(std::move(a)); }},
          {"ActResult", [this](std::string a) { return act_result(std::move(a)); }},
          {"Reload", [this](std::string a) { return reload_on_request(std::move(a)); }}};
}

asio::awaitable<bus_reply> daemon::list(std::string) {
  trim_memory_soon();
  json::array out;
  for (const auto& w : fleet_.all()) out.push_back(watch::to_json(*w));
  co_return json::serialize(out);
}

asio::awaitable<bus_reply> daemon::show(std::string name) {
  if (const auto w = fleet_.find(name)) co_return json::serialize(watch::details(*w));
  co_return std::unexpected(unknown_vm(name));
}

std::string daemon::unknown_vm(const std::string& name) const {
  std::vector<std::string> names;
  for (const auto& w : fleet_.all()) names.push_back(w->name());
  if (names.empty()) return fmt::format("no VM \"{}\"; no VM is known at all", name);
  return fmt::format("no VM \"{}\"; known are: {}", name, fmt::join(names, ", "));
}

asio::awaitable<bus_reply> daemon::incidents(std::string vm) {
  auto of = vm.empty() ? std::optional<std::string>() : std::optional(std::move(vm));
  co_return co_await store_.run<bus_reply>([of = std::move(of)](incidents::store& s) -> bus_reply {
    const auto all = of ? s.list(*of) : s.list();
    if (!all) return std::unexpected(all.error());
    json::array out;
    for (const auto& i : *all) out.push_back(stored_json(i));
    return json::serialize(out);
  });
}

asio::awaitable<bus_reply> daemon::incident(std::string id) {
  co_return co_await store_.run<bus_reply>([id = std::move(id)](incidents::store& s) -> bus_reply {
    const auto one = s.load(id);
    if (!one) return std::unexpected(one.error());
    auto o = incidents::to_json(*one);
    add_files(o, s, id);
    return json::serialize(o);
  });
}

asio::awaitable<bus_reply> daemon::events(std::string) {
  co_return hub_.json();
}

asio::awaitable<bus_reply> daemon::policies_in_force(std::string) {
  const auto all = fleet_.all();
  json::array out;
  for (const auto& p : *services_.policies) {
    auto o = watch::to_json(p);
    if (services_.settings->dry_run) o["dry_run"] = true;
    std::int64_t matches = 0, open = 0;
    std::size_t steps = 0;
    for (const auto& w : all) {
      if (p.match.matches(w->name(), w->model().uuid)) ++matches;
      open += std::ranges::count(w->open_policies(), p.name);
      steps += w->steps_of(p.name);
    }
    o["matches"] = matches;
    o["incidents_open"] = open;
    o["steps_done"] = steps;
    out.push_back(std::move(o));
  }
  co_return json::serialize(out);
}

/// Holding is always possible, also of a VM that is not there yet; a misspelt name is more likely, so it says
/// so.
asio::awaitable<bus_reply> daemon::hold(std::string argument) {
  boost::system::error_code ec;
  const auto asked = json::parse(argument, ec);
  const auto* o = ec ? nullptr : asked.if_object();
  const auto vm = o != nullptr ? std::string(qmp::text(*o, "vm")) : std::string();
  if (vm.empty()) co_return std::unexpected("which VM is to be held?");
  if (vm != watch::holds::whole_host && !fleet_.find(vm)) co_return std::unexpected(unknown_vm(vm));
  const auto seconds = qmp::number(*o, "seconds");
  constexpr std::int64_t ten_years = 315'360'000;
  if (seconds && (*seconds < 1 || *seconds > ten_years))
    co_return std::unexpected("a hold lasts from a second to ten years");
  const auto reason = qmp::text(*o, "reason");
  if (reason.size() > 200) co_return std::unexpected("a reason has at most 200 bytes");
  watch::holds::hold h{.reason = std::string(reason)};
  if (seconds) h.until = std::chrono::system_clock::now() + std::chrono::seconds(*seconds);
  const auto known = fleet_.find(vm);
  const auto name = known ? known->name() : vm;
  json::object answer = watch::to_json(h);
  hub_.publish("hold", name == watch::holds::whole_host ? "" : name, "held: no action is taken");
  spdlog::info("{}: held by the operator", name);
  if (auto saved = holds_.put(name, std::move(h)); !saved)
    co_return std::unexpected("held until the daemon ends, since it could not be saved: " + saved.error());
  co_return json::serialize(json::object{{"vm", name}, {"held_until", answer["until"]}});
}

asio::awaitable<bus_reply> daemon::release(std::string vm) {
  const auto known = fleet_.find(vm);
  const auto name = known ? known->name() : vm;
  const auto released = holds_.release(name);
  if (!released) co_return std::unexpected(released.error());
  if (*released) {
    hub_.publish("hold", name == watch::holds::whole_host ? "" : name, "released");
    spdlog::info("{}: released by the operator", name);
  }
  co_return json::serialize(json::object{{"vm", name}, {"released", *released}});
}

asio::awaitable<bus_reply> daemon::act(std::string argument) {
  co_return acts_.begin(argument);
}

asio::awaitable<bus_reply> daemon::act_result(std::string ticket) {
  co_return acts_.result(ticket);
}

asio::awaitable<bus_reply> daemon::reload_on_request(std::string) {
  co_return reload();
}

}  // namespace unwedge
