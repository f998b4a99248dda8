#include "daemon/watch/dial_in.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include <grp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace unwedge::watch {
namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

}  // namespace

std::expected<std::unique_ptr<dial_in>, std::string> dial_in::listen(const asio::any_io_executor& executor,
                                                                     where at, adopt to) {
  auto listener = systemd::unix_listener::open(at.path, 0660);
  if (!listener) return std::unexpected(listener.error());
  if (at.group) {
    const auto* group = ::getgrnam(at.group->c_str());
    if (group == nullptr)
      return std::unexpected(fmt::format("listen_group: there is no group \"{}\"", *at.group));
    if (::chown(at.path.c_str(), static_cast<uid_t>(-1), group->gr_gid) != 0) {
      return std::unexpected(
          fmt::format("{}: cannot give it to the group {}: {}", at.path, *at.group, std::strerror(errno)));
    }
  }
  return std::unique_ptr<dial_in>(new dial_in(executor, std::move(*listener), std::move(at), std::move(to)));
}

dial_in::dial_in(const asio::any_io_executor& executor, systemd::unix_listener listener, where at, adopt to)
    : at_(std::move(at)),
      listener_(std::move(listener)),
      acceptor_(executor, asio::local::stream_protocol(), listener_->release_fd()),
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
    spdlog::warn("dial-in {}: {}", at_.path, ec.message());
    pause_.expires_after(std::chrono::seconds(1));  // out of descriptors: it will not be better at once
    co_await pause_.async_wait(as_result);
  }
}

void dial_in::stop() {
  stopping_ = true;
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  listener_.reset();
  pause_.cancel();
}

}  // namespace unwedge::watch
