// Where the HTTP server listens: "ADDR:PORT", "[V6ADDR]:PORT" or "unix:PATH", as in the configuration.
#pragma once

#include "systemd/unix_listener.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>

#include <expected>
#include <optional>
#include <string>

namespace unwedge::surface {

/// Accepts TCP and unix connections alike.
using http_acceptor = boost::asio::basic_socket_acceptor<boost::asio::generic::stream_protocol>;
using http_socket = boost::asio::generic::stream_protocol::socket;

struct http_endpoint {
  http_acceptor acceptor;
  std::optional<systemd::unix_listener> path;  ///< owns the socket file; only for unix:
  std::string name;  ///< as given, with the port that was bound where 0 was asked for
};

/// Binds and listens. A unix socket gets mode 0660. The error says what was tried and why it failed.
std::expected<http_endpoint, std::string> listen_http(const boost::asio::any_io_executor& executor,
                                                      std::string where);

}  // namespace unwedge::surface
