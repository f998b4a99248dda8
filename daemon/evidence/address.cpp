#include "daemon/evidence/address.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace unwedge::evidence {

namespace {

std::string ipv4_text(const in_addr& address, in_port_t port) {
  char text[INET_ADDRSTRLEN] = {};
  ::inet_ntop(AF_INET, &address, text, sizeof text);
  return fmt::format("{}:{}", text, ntohs(port));
}

std::string ipv6_text(const sockaddr_in6& from) {
  if (IN6_IS_ADDR_V4MAPPED(&from.sin6_addr)) {
    in_addr mapped{};
    std::memcpy(&mapped, from.sin6_addr.s6_addr + 12, sizeof mapped);
    return ipv4_text(mapped, from.sin6_port);
  }
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(AF_INET6, &from.sin6_addr, text, sizeof text);
  const auto zone = from.sin6_scope_id == 0 ? "" : fmt::format("%{}", from.sin6_scope_id);
  return fmt::format("[{}{}]:{}", text, zone, ntohs(from.sin6_port));
}

// unix(7): an abstract name begins with a zero byte and has a length, a path ends at its first zero byte.
std::string unix_text(const sockaddr_un& from, socklen_t length) {
  if (length <= offsetof(sockaddr_un, sun_path)) return {};
  std::string_view name{
      from.sun_path, std::min<std::size_t>(length - offsetof(sockaddr_un, sun_path), sizeof from.sun_path)};
  if (name.front() == '\0') return "@" + printable(name.substr(1));
  return printable(name.substr(0, name.find('\0')));
}

template <typename Address>
Address as(const sockaddr_storage& storage) {
  Address address;
  static_assert(sizeof address <= sizeof storage);
  std::memcpy(&address, &storage, sizeof address);
  return address;
}

}  // namespace

std::string printable(std::string_view text) {
  constexpr std::size_t most = 256;
  std::string result;
  for (const char c : text.substr(0, most)) {
    if (c >= ' ' && c <= '~')
      result += c;
    else
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  if (text.size() > most) result += "...";
  return result;
}

std::string address_text(const sockaddr_storage& address, socklen_t length) {
  if (length < sizeof(sa_family_t)) return {};
  switch (address.ss_family) {
    case AF_INET: {
      const auto v4 = as<sockaddr_in>(address);
      return ipv4_text(v4.sin_addr, v4.sin_port);
    }
    case AF_INET6:
      return ipv6_text(as<sockaddr_in6>(address));
    case AF_UNIX:
      return unix_text(as<sockaddr_un>(address), length);
    default:
      return {};
  }
}

}  // namespace unwedge::evidence
