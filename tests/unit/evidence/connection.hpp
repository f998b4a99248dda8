// A TCP connection over the loopback, both ends ours.
#pragma once

#include "daemon/evidence/file_descriptor.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

namespace unwedge::evidence {

struct connection {
  file_descriptor listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  file_descriptor client{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  file_descriptor server;
  std::string client_text, server_text;  ///< "127.0.0.1:PORT"

  connection() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    socklen_t length = sizeof address;
    if (::bind(listener.get(), raw, length) != 0 || ::listen(listener.get(), 1) != 0) throw_errno();
    ::getsockname(listener.get(), raw, &length);
    server_text = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    if (::connect(client.get(), raw, length) != 0) throw_errno();
    ::getsockname(client.get(), raw, &length);
    client_text = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    server = file_descriptor{::accept(listener.get(), nullptr, nullptr)};
    if (!server) throw_errno();
  }

 private:
  [[noreturn]] static void throw_errno() {
    throw std::system_error(errno, std::generic_category(), "loopback");
  }
};

}  // namespace unwedge::evidence
