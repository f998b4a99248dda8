#include "policies/nbd_address.hpp"

#include "qmp/json_fields.hpp"

#include <fmt/format.h>

namespace unwedge::policies {
namespace {

using qmp::text;

constexpr std::string_view default_port = "10809";

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string percent_decoded(std::string_view s) {
  std::string out;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '%' && i + 2 < s.size() && hex(s[i + 1]) >= 0 && hex(s[i + 2]) >= 0) {
      out += static_cast<char>(hex(s[i + 1]) * 16 + hex(s[i + 2]));
      i += 2;
    } else {
      out += s[i];
    }
  }
  return out;
}

std::string host_and_port(std::string_view authority) {
  const auto bracket = authority.rfind(']');
  const auto colon = authority.rfind(':');
  const bool has_port = colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  return has_port ? std::string(authority) : fmt::format("{}:{}", authority, default_port);
}

std::string from_uri(std::string_view rest) { return host_and_port(rest.substr(0, rest.find('/'))); }

std::string from_unix_uri(std::string_view rest) {
  constexpr std::string_view key = "socket=";
  const auto question = rest.find('?');
  if (question == std::string_view::npos) return "";
  const auto at = rest.find(key, question);
  if (at == std::string_view::npos) return "";
  const auto path = rest.substr(at + key.size());
  return percent_decoded(path.substr(0, path.find('&')));
}

std::string from_json(std::string_view document) {
  boost::json::error_code ec;
  const auto parsed = boost::json::parse(document, ec);
  if (ec || !parsed.is_object()) return "";
  const auto& o = parsed.get_object();
  if (const auto* server = qmp::object_at(o, "server")) {
    if (const auto path = text(*server, "path"); !path.empty()) return std::string(path);
    const auto host = text(*server, "host");
    const bool v6 = host.contains(':');
    return fmt::format("{}{}{}:{}", v6 ? "[" : "", host, v6 ? "]" : "", text(*server, "port"));
  }
  // The flattened form: "server.type", "server.host", "server.port", "server.path".
  if (const auto path = text(o, "server.path"); !path.empty()) return std::string(path);
  if (const auto host = text(o, "server.host"); !host.empty()) return fmt::format("{}:{}", host, text(o, "server.port"));
  return "";
}

}  // namespace

std::string nbd_peer(std::string_view file_name) {
  constexpr std::size_t sane = 4'096;
  if (file_name.size() > sane) return "";
  const auto after = [&](std::string_view prefix) { return file_name.substr(prefix.size()); };
  if (file_name.starts_with("nbd://")) return from_uri(after("nbd://"));
  if (file_name.starts_with("nbds://")) return from_uri(after("nbds://"));
  if (file_name.starts_with("nbd+unix://")) return from_unix_uri(after("nbd+unix://"));
  if (file_name.starts_with("nbd:unix:")) {
    const auto rest = after("nbd:unix:");
    return std::string(rest.substr(0, rest.find(':')));
  }
  if (file_name.starts_with("json:")) return from_json(after("json:"));
  return "";
}

}  // namespace unwedge::policies
