// Socket addresses and names of a hostile process as text that is safe to print. Pure.
#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>

namespace unwedge::evidence {

/// `text` with every control and non-ASCII byte as \xNN, cut at 256 bytes ("..." shows the cut).
std::string printable(std::string_view text);

/// "10.0.0.7:10809", "[::1]:10809", "[fe80::1%2]:10809", "/run/x.sock", "@abstract"; an IPv4 address that an
/// IPv6 socket has mapped (::ffff:10.0.0.7) shows as IPv4. Empty: unnamed, or a family that has no text here.
std::string address_text(const sockaddr_storage& address, socklen_t length);

}  // namespace unwedge::evidence
