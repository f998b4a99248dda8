// An incident's files on their way to unwedgectl: what there is, and piece by piece.
#include "daemon/unwedged/incident_files.hpp"

#include "daemon/bundle/base64.hpp"
#include "daemon/unwedged/daemon.hpp"
#include "qmp/json_fields.hpp"

#include <algorithm>
#include <utility>

namespace unwedge {
namespace {

namespace json = boost::json;
using systemd::bus_reply;

constexpr std::size_t piece_bytes = 1u << 20;

json::object attached_json(const incidents::store& s, const std::string& id, const char* name) {
  const auto text = s.attachment(id, name);
  boost::system::error_code ec;
  auto parsed = text ? json::parse(*text, ec) : json::value();
  if (ec || !parsed.is_object()) return {};
  return std::move(parsed.get_object());
}

json::array taken_array(json::object& from, const char* key) {
  auto* found = from.if_contains(key);
  if (found == nullptr || !found->is_array()) return {};
  return std::move(found->get_array());
}

}  // namespace

void add_files(json::object& incident, const incidents::store& s, const std::string& id) {
  auto evidence = attached_json(s, id, "evidence.json");
  incident["events"] = taken_array(evidence, "events");
  incident["nodes"] = taken_array(evidence, "nodes");
  auto samples = taken_array(evidence, "samples");
  json::object amount{{"samples", samples.size()}, {"qmp_messages", 0}};
  incident["sample"] = samples.empty() ? json::value() : std::move(samples.back());
  for (const auto* name : {"qmp-history-at-close.json", "qmp-history.json"}) {
    const auto history = attached_json(s, id, name);
    const auto* messages = history.if_contains("count");
    if (messages == nullptr || !messages->is_number()) continue;
    amount["qmp_messages"] = *messages;
    break;
  }
  incident["evidence"] = std::move(amount);
  json::array files;
  if (const auto all = s.files(id)) {
    for (const auto& f : *all) files.push_back(json::object{{"name", f.name}, {"bytes", f.bytes}});
  }
  incident["files"] = std::move(files);
}

/// {"id", "name", "offset"} -> {"total", "version", "data"}: up to 1 MiB in base64. A text on a socket,
/// rather than a descriptor, gives the caller nothing but the bytes.
asio::awaitable<bus_reply> daemon::incident_file(std::string argument) {
  boost::system::error_code ec;
  const auto asked = json::parse(argument, ec);
  const auto* o = ec ? nullptr : asked.if_object();
  if (o == nullptr) co_return std::unexpected("which file of which incident?");
  const auto id = std::string(qmp::text(*o, "id"));
  const auto name = std::string(qmp::text(*o, "name"));
  const auto offset = qmp::number(*o, "offset").value_or(0);
  if (offset < 0) co_return std::unexpected("an offset is not negative");
  trim_memory_soon();
  co_return co_await store_.run<bus_reply>([id, name, offset](incidents::store& s) -> bus_reply {
    const auto part = s.read_part(id, name, static_cast<std::size_t>(offset), piece_bytes);
    if (!part) return std::unexpected(part.error());
    return json::serialize(json::object{
        {"total", part->total}, {"version", part->version}, {"data", bundle::to_base64(part->bytes)}});
  });
}

}  // namespace unwedge
