#include "daemon/watch/dial_in.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <spdlog/spdlog.h>

namespace unwedge::watch {
namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

}  // namespace

std::expected<std::unique_ptr<dial_in>, std::string> dial_in::listen(asio::any_io_executor executor,
                                                                     const std::string& path, adopt to) {
  auto listener = systemd::unix_listener::open(path, 0660);
  if (!listener) return std::unexpected(listener.error());
  return std::unique_ptr<dial_in>(new dial_in(std::move(executor), std::move(*listener), path, std::move(to)));
}

dial_in::dial_in(asio::any_io_executor executor, systemd::unix_listener listener, std::string path, adopt to)
    : path_(std::move(path)),
      listener_(std::move(listener)),
      acceptor_(executor, asio::local::stream_protocol(), listener_.release_fd()),
      pause_(executor),
      adopt_(std::move(to)) {}

asio::awaitable<void> dial_in::run() {
  while (!stopping_) {
    auto [ec, connection] = co_await acceptor_.async_accept(as_result);
    if (stopping_) break;
    if (!ec) {
      adopt_(std::move(connection));
      continue;
    }
    spdlog::warn("dial-in {}: {}", path_, ec.message());
    pause_.expires_after(std::chrono::seconds(1));  // out of descriptors: it will not be better at once
    co_await pause_.async_wait(as_result);
  }
}

void dial_in::stop() {
  stopping_ = true;
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
}

}  // namespace unwedge::watch
