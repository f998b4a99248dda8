#include "policies/nbd_address.hpp"

#include "qmp/json_fields.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>

#include <array>

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

/// The form in which the kernel's addresses are written down (daemon/evidence): an IPv6 address in brackets
/// and in its shortest form, a mapped IPv4 one as such. A name stays as it is.
std::string written(std::string_view host, std::string_view port) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) return "";
  if (port.empty()) port = default_port;
  in6_addr address{};
  if (::inet_pton(AF_INET6, std::string(host).c_str(), &address) != 1) {
    return host.contains(':') ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
  }
  std::array<char, INET6_ADDRSTRLEN> out{};
  const bool mapped = IN6_IS_ADDR_V4MAPPED(&address);
  const void* from = mapped ? static_cast<const void*>(&address.s6_addr[12]) : &address;
  ::inet_ntop(mapped ? AF_INET : AF_INET6, from, out.data(), out.size());
  return mapped ? fmt::format("{}:{}", out.data(), port) : fmt::format("[{}]:{}", out.data(), port);
}

/// QEMU always writes a port, and an IPv6 address without brackets: nbd://::1:10809/tgt.
std::string host_and_port(std::string_view authority) {
  const auto bracket = authority.rfind(']');
  const auto colon = authority.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  return has_port ? written(authority.substr(0, colon), authority.substr(colon + 1)) : written(authority, "");
}

std::string from_uri(std::string_view rest) {
  return host_and_port(rest.substr(0, rest.find('/')));
}

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
    return written(text(*server, "host"), text(*server, "port"));
  }
  // The flattened form: "server.type", "server.host", "server.port", "server.path".
  if (const auto path = text(o, "server.path"); !path.empty()) return std::string(path);
  return written(text(o, "server.host"), text(o, "server.port"));
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
