// What unwedgectl can ask: each method gives the JSON of a contract (design.md). Asks no QEMU.
#include "daemon/unwedged/daemon.hpp"
#include "daemon/watch/views.hpp"

#include <fmt/ranges.h>

namespace unwedge {
namespace {

namespace json = boost::json;
using systemd::bus_reply;

json::value stored_json(const incidents::stored_incident& s) {
  auto o = incidents::to_json(s.incident);
  if (!s.error.empty()) o["error"] = s.error;
  return o;
}

/// The VM's last events before the incident, from the evidence beside its journal.
json::value last_events(const incidents::store& s, const std::string& id) {
  const auto text = s.attachment(id, "evidence.json");
  boost::system::error_code ec;
  auto evidence = text ? json::parse(*text, ec) : json::value();
  if (ec || !evidence.is_object()) return json::array();
  auto* events = evidence.get_object().if_contains("events");
  return events != nullptr ? std::move(*events) : json::value(json::array());
}

}  // namespace

systemd::bus_methods daemon::methods() {
  return {{"List", [this](std::string a) { return list(std::move(a)); }},
          {"Show", [this](std::string a) { return show(std::move(a)); }},
          {"Incidents", [this](std::string a) { return incidents(std::move(a)); }},
          {"Incident", [this](std::string a) { return incident(std::move(a)); }},
          {"Events", [this](std::string a) { return events(std::move(a)); }},
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
  std::vector<std::string> names;
  for (const auto& w : fleet_.all()) names.push_back(w->name());
  if (names.empty()) co_return std::unexpected(fmt::format("no VM \"{}\"; no VM is known at all", name));
  co_return std::unexpected(fmt::format("no VM \"{}\"; known are: {}", name, fmt::join(names, ", ")));
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
    o["events"] = last_events(s, id);
    return json::serialize(o);
  });
}

asio::awaitable<bus_reply> daemon::events(std::string) {
  co_return hub_.json();
}

asio::awaitable<bus_reply> daemon::reload_on_request(std::string) {
  co_return reload();
}

}  // namespace unwedge
