#include "daemon/watch/monitor_peer.hpp"

#include "daemon/evidence/qemu_processes.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace unwedge::watch {
namespace {

/// A QEMU accepts within milliseconds; one that hangs does not at all.
constexpr int owner_looks = 5;
constexpr std::chrono::milliseconds between_owner_looks{100};

asio::awaitable<std::unique_ptr<evidence::process>> owner_of(int socket_fd) {
  auto found = evidence::owner_of_other_end(socket_fd);
  co_return found ? std::make_unique<evidence::process>(std::move(*found)) : nullptr;
}

}  // namespace

asio::awaitable<std::expected<evidence::process, std::string>> peer_of_monitor(const watched_vm& vm,
                                                                               asio::steady_timer& pause,
                                                                               int socket_fd) {
  auto peer = evidence::process::peer_of(socket_fd);
  const bool passed_on = peer && !peer->is_qemu();
  for (int looks = 0; passed_on && looks < owner_looks; ++looks) {
    auto owner = co_await asio::co_spawn(vm.shared.evidence_pool, owner_of(socket_fd), uncancelled());
    if (owner) peer = std::move(*owner);
    if (owner || vm.stopping) break;
    pause.expires_after(between_owner_looks);
    co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  co_return peer;
}

}  // namespace unwedge::watch
