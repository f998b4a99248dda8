#include "daemon/surface/http_endpoint.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <fmt/format.h>

#include <sys/socket.h>

#include <charconv>
#include <cstring>

namespace unwedge::surface {
namespace {

namespace asio = boost::asio;
using asio::generic::stream_protocol;
using asio::ip::tcp;

std::expected<tcp::endpoint, std::string> parse(std::string_view where) {
  auto const fault = [where] {
    return std::unexpected(
        fmt::format("\"{}\" is none of ADDRESS:PORT, [IPV6-ADDRESS]:PORT, unix:PATH", where));
  };
  auto const colon = where.rfind(':');
  if (colon == std::string_view::npos) return fault();
  auto host = where.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  std::uint16_t port = 0;
  auto const end = where.data() + where.size();
  auto const [stop, bad] = std::from_chars(where.data() + colon + 1, end, port);
  boost::system::error_code error;
  auto const address = asio::ip::make_address(host, error);
  if (bad != std::errc() || stop != end || error) return fault();
  return tcp::endpoint(address, port);
}

std::expected<http_endpoint, std::string> listen_tcp(const asio::any_io_executor& executor,
                                                     std::string where) {
  auto endpoint = parse(where);
  if (!endpoint) return std::unexpected(endpoint.error());
  boost::system::error_code error;
  http_acceptor acceptor(executor);
  acceptor.open(stream_protocol(endpoint->protocol()), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(stream_protocol::endpoint(*endpoint), error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return std::unexpected(fmt::format("cannot listen on {}: {}", where, error.message()));
  auto const bound = acceptor.local_endpoint();
  endpoint->resize(bound.size());
  std::memcpy(endpoint->data(), bound.data(), bound.size());
  auto const host = endpoint->address().to_string();
  auto const name = endpoint->address().is_v6() ? fmt::format("[{}]:{}", host, endpoint->port())
                                                : fmt::format("{}:{}", host, endpoint->port());
  return http_endpoint{std::move(acceptor), std::nullopt, name};
}

std::expected<http_endpoint, std::string> listen_unix(const asio::any_io_executor& executor,
                                                      const std::string& path) {
  auto listener = systemd::unix_listener::open(path, 0660);
  if (!listener) return std::unexpected(listener.error());
  http_acceptor acceptor(executor);
  acceptor.assign(stream_protocol(AF_UNIX, 0), listener->release_fd());
  return http_endpoint{std::move(acceptor), std::move(*listener), "unix:" + path};
}

}  // namespace

std::expected<http_endpoint, std::string> listen_http(const asio::any_io_executor& executor,
                                                      std::string where) {
  constexpr std::string_view unix_prefix = "unix:";
  if (where.starts_with(unix_prefix)) return listen_unix(executor, where.substr(unix_prefix.size()));
  return listen_tcp(executor, std::move(where));
}

}  // namespace unwedge::surface
