// Who is at the other end of a monitor's socket. Used by the watcher before it talks. Decides nothing.
#pragma once

#include "daemon/evidence/process.hpp"
#include "daemon/watch/watched_vm.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <expected>
#include <string>

namespace unwedge::watch {

/// The process at the other end, QEMU or not. libvirt opens the monitor's socket itself and passes it on:
/// then the peer is libvirtd, and the QEMU is whoever has accepted the connection. Takes half a second at
/// most; ends early when `pause` is cancelled and `vm` is stopping. Both must outlive it. Error: a sentence.
asio::awaitable<std::expected<evidence::process, std::string>> peer_of_monitor(const watched_vm& vm,
                                                                               asio::steady_timer& pause,
                                                                               int socket_fd);

}  // namespace unwedge::watch
