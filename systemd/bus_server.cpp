#include "systemd/bus_server.hpp"

#include "systemd/bus_peer.hpp"
#include "systemd/bus_vtable.hpp"
#include "systemd/utf8.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <system_error>
#include <utility>

namespace unwedge::systemd {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
constexpr auto as_value = asio::as_tuple(asio::use_awaitable);

/// Who is at the other end, as the kernel says; nullopt if it does not.
std::optional<ucred> credentials(int fd) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  return peer;
}

}  // namespace

std::expected<std::unique_ptr<bus_server>, std::string> bus_server::listen(
    const asio::any_io_executor& executor, bus_options options) {
  auto listener = unix_listener::open(options.path, 0600);
  if (!listener) return std::unexpected(listener.error());
  return std::unique_ptr<bus_server>(new bus_server(executor, std::move(options), std::move(*listener)));
}

bus_server::bus_server(const asio::any_io_executor& executor, bus_options options, unix_listener listener)
    : executor_(executor),
      options_(std::move(options)),
      listener_(std::move(listener)),
      vtable_(std::make_unique<bus_vtable>(options_.methods)),
      acceptor_(executor, asio::local::stream_protocol(), listener_.release_fd()),
      changed_(executor) {}

bus_server::~bus_server() = default;

asio::awaitable<void> bus_server::run() {
  co_await asio::this_coro::throw_if_cancelled(false);
  while (!stopping_) {
    auto [error, client] = co_await acceptor_.async_accept(as_value);
    if (!error) {
      admit(std::move(client));
    } else if (error == asio::error::operation_aborted) {
      stop();
    } else {
      report(fmt::format("accept on {}: {}", options_.path.string(), error.message()));
      changed_.expires_after(200ms);  // out of descriptors: do not spin
      co_await changed_.async_wait(as_value);
    }
  }
  while (!peers_.empty()) {
    changed_.expires_at(asio::steady_timer::time_point::max());
    co_await changed_.async_wait(as_value);
  }
  if (failure_) std::rethrow_exception(failure_);
}

void bus_server::admit(socket client) {
  auto const who = credentials(client.native_handle());
  if (!who) return report("a D-Bus client was refused: the kernel does not say who it is");
  if (who->uid != 0 && who->uid != ::geteuid()) {
    return report(fmt::format("a D-Bus client was refused: uid {}, pid {}", who->uid, who->pid));
  }
  if (peers_.size() >= options_.max_clients) {
    return report(fmt::format("a D-Bus client was refused: {} are connected already", peers_.size()));
  }
  std::unique_ptr<bus_peer> made;
  try {
    made = std::make_unique<bus_peer>(executor_, options_, *vtable_, client.release());
  } catch (const std::system_error& thrown) {  // out of descriptors
    return report(fmt::format("a D-Bus client was refused: {}", thrown.what()));
  }
  auto const peer = peers_.insert(peers_.end(), std::move(made));
  asio::co_spawn(executor_, (*peer)->run(),
                 [this, peer, who](const std::exception_ptr& thrown, const std::string& why) {
                   if (!why.empty())
                     report(fmt::format("the D-Bus client with pid {} was dropped: it {}", who->pid, why));
                   ended(peer, thrown);
                 });
}

void bus_server::ended(std::list<std::unique_ptr<bus_peer>>::iterator peer,
                       const std::exception_ptr& thrown) {
  peers_.erase(peer);
  if (thrown) {
    failure_ = thrown;
    stop();
  }
  changed_.expires_at(asio::steady_timer::time_point::min());
}

void bus_server::emit(std::string_view json) {
  auto const text = valid_utf8(std::string(json));
  for (auto const& peer : peers_) peer->emit(text.c_str());
}

void bus_server::stop() {
  if (std::exchange(stopping_, true)) return;
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  for (auto const& peer : peers_) peer->drop("");
  changed_.expires_at(asio::steady_timer::time_point::min());
}

void bus_server::report(std::string text) const {
  if (options_.report) options_.report(std::move(text));
}

}  // namespace unwedge::systemd
