#include "qmp/session.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <system_error>

namespace unwedge::qmp {
namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr int reads_in_a_row = 16;  ///< then others get their turn

std::string reason(int number) { return std::generic_category().message(number); }

}  // namespace

struct session::waiter {
  command_id id;
  asio::steady_timer done;
  std::optional<std::expected<json::value, error>> result;
};

std::expected<socket, error> connect(const asio::any_io_executor& executor, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return std::unexpected(error{errc::connect_failed, path + ": path longer than 107 bytes"});
  }
  path.copy(address.sun_path, path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return std::unexpected(error{errc::connect_failed, path + ": " + reason(errno)});
  // Not Asio's connect: on AF_UNIX it takes EAGAIN (backlog full) for "in progress", and then for success.
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const auto failure = errno;
    ::close(fd);
    return std::unexpected(error{errc::connect_failed, path + ": " + reason(failure)});
  }
  return socket(executor, asio::local::stream_protocol(), fd);
}

session::session(socket s, io_scratch& scratch, session_observer& observer, limits l, deadlines d)
    : socket_(std::move(s)),
      scratch_(scratch),
      observer_(observer),
      protocol_(scratch.parse, l, *this),
      deadlines_(d),
      deadline_(socket_.get_executor()) {
  boost::system::error_code ignored;
  socket_.non_blocking(true, ignored);
}

std::expected<command_id, error> session::post(const command& c) {
  if (closed_) return std::unexpected(error{errc::closed, std::string(c.name)});
  std::string bytes;
  const auto id = protocol_.send(c, bytes);
  if (!id) return id;
  if (const auto written = write(bytes); !written) {
    close();
    return std::unexpected(written.error());
  }
  return id;
}

void session::close() {
  closed_ = true;
  boost::system::error_code ignored;
  socket_.cancel(ignored);
  deadline_.cancel();
}

void session::on_ready(const greeting& hello, bool oob) {
  deadline_.cancel();
  observer_.on_ready(hello, oob);
}

void session::on_reply(command_id id, const reply& r) {
  for (auto* w : waiters_) {
    if (w->id != id) continue;
    if (r) w->result.emplace(json::value(**r, json::storage_ptr()));
    else w->result.emplace(std::unexpected(r.error()));
    w->done.cancel();
  }
  observer_.on_reply(id, r);
}

void session::fail_waiters(const error& why) {
  for (auto* w : waiters_) {
    w->result.emplace(std::unexpected(why));
    w->done.cancel();
  }
}

std::expected<void, error> session::read_some() {
  const auto before = protocol_.at();
  for (int i = 0; i < reads_in_a_row && !closed_; ++i) {
    const auto got = ::recv(socket_.native_handle(), scratch_.bytes->data(), scratch_.bytes->size(), MSG_DONTWAIT);
    if (got == 0) return std::unexpected(error{errc::closed, "by the peer"});
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) break;
    if (got < 0) return std::unexpected(error{errc::closed, reason(errno)});
    const std::string_view bytes(scratch_.bytes->data(), static_cast<std::size_t>(got));
    const auto taken = protocol_.receive(bytes, std::chrono::steady_clock::now());
    if (!taken) return taken;
    if (const auto written = write(protocol_.take_output()); !written) return written;
    if (bytes.size() < scratch_.bytes->size()) break;
  }
  if (before == protocol::phase::awaiting_greeting && protocol_.at() == protocol::phase::negotiating) {
    arm(deadlines_.capabilities);
    observer_.on_greeting();
  }
  return {};
}

/// Our commands are few and small, and a socket's buffer holds hundreds of kilobytes: a peer that lets it fill up has
/// not read for so long that waiting for it is of no use.
std::expected<void, error> session::write(std::string_view bytes) {
  if (bytes.empty()) return {};
  const auto sent = ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent == static_cast<ssize_t>(bytes.size())) return {};
  if (sent >= 0 || errno == EAGAIN) return std::unexpected(error{errc::would_block, "its socket buffer is full"});
  return std::unexpected(error{errc::closed, reason(errno)});
}

void session::arm(std::chrono::milliseconds deadline) {
  deadline_.expires_after(deadline);
  deadline_.async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
    const auto self = weak.lock();
    if (ec || !self || self->is_ready()) return;
    self->expired_ = true;
    boost::system::error_code ignored;
    self->socket_.cancel(ignored);
  });
}

error session::expired_error() const {
  if (protocol_.at() == protocol::phase::awaiting_greeting) {
    return {errc::no_greeting, "connected, but silent: another client holds this monitor, or QEMU does not run"};
  }
  return {errc::not_negotiated, "greeted, but qmp_capabilities is not answered: the main loop does not run"};
}

asio::awaitable<error> run(std::shared_ptr<session> s) {
  s->arm(s->deadlines_.greeting);
  error why{errc::cancelled};
  while (!s->closed_) {
    const auto [ec] = co_await s->socket_.async_wait(socket::wait_read, as_result);
    if (s->closed_) break;
    if (s->expired_ && !s->is_ready()) {
      why = s->expired_error();
      break;
    }
    if (ec && ec != asio::error::operation_aborted) {
      why = {errc::closed, ec.message()};
      break;
    }
    if (ec) continue;
    if (const auto read = s->read_some(); !read) {
      why = read.error();
      break;
    }
  }
  s->close();
  s->fail_waiters(why);
  boost::system::error_code ignored;
  s->socket_.close(ignored);
  co_return why;
}

asio::awaitable<std::expected<json::value, error>> execute(std::shared_ptr<session> s, command c,
                                                           std::chrono::milliseconds timeout) {
  const auto id = s->post(c);
  if (!id) co_return std::unexpected(id.error());
  session::waiter w{*id, asio::steady_timer(s->socket_.get_executor(), timeout), std::nullopt};
  s->waiters_.push_back(&w);
  // Also when this coroutine is destroyed in its wait.
  const std::unique_ptr<session::waiter, std::function<void(session::waiter*)>> registered(
      &w, [s](session::waiter* p) { std::erase(s->waiters_, p); });
  co_await w.done.async_wait(as_result);
  if (w.result) co_return std::move(*w.result);
  co_return std::unexpected(error{errc::timed_out, std::string(c.name)});
}

}  // namespace unwedge::qmp
