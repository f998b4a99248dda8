#include "daemon/ctl/incident_fetch.hpp"

#include "daemon/bundle/base64.hpp"
#include "daemon/ctl/json_text.hpp"
#include "daemon/ctl/printable.hpp"

#include <fmt/format.h>

#include <utility>

namespace unwedge::ctl {
namespace {

namespace json = boost::json;

constexpr std::string_view journal_name = "journal.jsonl";

std::size_t size_at(const json::object& o, std::string_view key) {
  auto const number = number_at(o, key).value_or(0);
  return number > 0 && number < 1e15 ? static_cast<std::size_t>(number) : 0;
}

bool is_plain(std::string_view name) {
  return !name.empty() && name.size() <= 255 && name.front() != '.' && name.find('/') == name.npos &&
         printable(name) == name;
}

}  // namespace

std::vector<incident_file> files_of(const json::object& incident) {
  std::vector<incident_file> out;
  auto const* files = array_at(incident, "files");
  if (files == nullptr) return out;
  for (auto const& each : *files) {
    auto const* file = each.if_object();
    if (file == nullptr || !is_plain(text_at(*file, "name"))) continue;
    out.push_back({std::string(text_at(*file, "name")), size_at(*file, "bytes")});
  }
  return out;
}

std::expected<incident_fetch::piece, std::string> incident_fetch::ask(const std::string& name,
                                                                      std::size_t offset) {
  auto const answer = daemon_.call(
      "IncidentFile", json::serialize(json::object{{"id", id_}, {"name", name}, {"offset", offset}}));
  if (!answer) return std::unexpected(fmt::format("{}: {}", name, answer.error().text));
  boost::system::error_code ec;
  auto const parsed = json::parse(*answer, ec);
  auto const* o = ec ? nullptr : parsed.if_object();
  auto bytes = o != nullptr ? bundle::from_base64(text_at(*o, "data")) : std::nullopt;
  if (!bytes)
    return std::unexpected(
        fmt::format("{}: the daemon's answer to IncidentFile is not what this version expects", name));
  return piece{size_at(*o, "total"), std::string(text_at(*o, "version")), std::move(*bytes)};
}

std::expected<std::string, std::string> incident_fetch::get(const std::string& name) {
  std::string have, version;
  for (int begun = 0; begun < 5;) {
    if (have.empty()) ++begun;
    auto next = ask(name, have.size());
    if (!next) return std::unexpected(next.error());
    if (next->total > largest_in_bundle) return std::unexpected(name + ": has become too large meanwhile");
    if (!have.empty() && next->version != version) {
      have.clear();
      continue;
    }
    version = next->version;
    have += next->bytes;
    if (!go_on_(name, have.size(), next->total)) return std::unexpected("interrupted");
    if (have.size() < next->total && !next->bytes.empty()) continue;
    if (name == journal_name) have.resize(have.rfind('\n') + 1);  // npos + 1 is 0
    return have;
  }
  return std::unexpected(name + ": is replaced again and again");
}

}  // namespace unwedge::ctl
