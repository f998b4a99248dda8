#include "daemon/surface/http_server.hpp"

#include "daemon/surface/http_session.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <utility>

namespace unwedge::surface {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
constexpr auto as_value = asio::as_tuple(asio::use_awaitable);

}  // namespace

std::expected<std::unique_ptr<http_server>, std::string> http_server::listen(
    const asio::any_io_executor& executor, http_options options) {
  auto endpoint = listen_http(executor, options.listen);
  if (!endpoint) return std::unexpected(endpoint.error());
  return std::unique_ptr<http_server>(new http_server(executor, std::move(options), std::move(*endpoint)));
}

http_server::http_server(const asio::any_io_executor& executor, http_options options, http_endpoint endpoint)
    : executor_(executor), options_(std::move(options)), endpoint_(std::move(endpoint)), changed_(executor) {}

http_server::~http_server() = default;

asio::awaitable<void> http_server::run() {
  co_await asio::this_coro::throw_if_cancelled(false);
  while (!stopping_) {
    auto [error, client] = co_await endpoint_.acceptor.async_accept(as_value);
    if (!error) {
      admit(std::move(client));
    } else if (error == asio::error::operation_aborted) {
      stop();
    } else {
      if (options_.report) options_.report(fmt::format("accept on {}: {}", address(), error.message()));
      changed_.expires_after(200ms);  // out of descriptors: do not spin
      co_await changed_.async_wait(as_value);
    }
  }
  while (!sessions_.empty()) {
    changed_.expires_at(asio::steady_timer::time_point::max());
    co_await changed_.async_wait(as_value);
  }
  if (failure_) std::rethrow_exception(failure_);
}

void http_server::admit(http_socket client) {
  if (stopping_ || sessions_.size() >= options_.max_connections) return;
  auto const session =
      sessions_.emplace(sessions_.end(), std::move(client), options_.sources, options_.deadline);
  asio::co_spawn(executor_, session->run(), [this, session](const std::exception_ptr& thrown) {
    sessions_.erase(session);
    if (thrown) {
      failure_ = thrown;
      stop();
    }
    changed_.expires_at(asio::steady_timer::time_point::min());
  });
}

void http_server::stop() {
  if (std::exchange(stopping_, true)) return;
  boost::system::error_code ignored;
  endpoint_.acceptor.close(ignored);
  for (auto& session : sessions_) session.close();
  changed_.expires_at(asio::steady_timer::time_point::min());
}

}  // namespace unwedge::surface
