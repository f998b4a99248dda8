#include "qmp/session.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <random>
#include <system_error>

namespace unwedge::qmp {
namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr int reads_in_a_row = 16;  ///< then others get their turn

std::string reason(int number) {
  return std::generic_category().message(number);
}

/// A range of ids that no other connection of ours had, neither of this process nor (most likely) of one
/// before it.
command_id fresh_ids() {
  constexpr command_id a_connection = command_id{1} << 32;
  static std::atomic<command_id> next{command_id{std::random_device{}()} << 32};
  return next.fetch_add(a_connection);
}

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
  socket connected(executor);
  boost::system::error_code ec;
  connected.assign(asio::local::stream_protocol(), fd, ec);
  if (ec) {
    ::close(fd);
    return std::unexpected(error{errc::connect_failed, path + ": " + ec.message()});
  }
  return connected;
}

session::session(socket s, io_scratch& scratch, session_observer& observer, limits l, deadlines d)
    : socket_(std::move(s)),
      scratch_(scratch),
      observer_(observer),
      protocol_(scratch.parse, l, *this, fresh_ids()),
      deadlines_(d),
      deadline_(socket_.get_executor()) {
  boost::system::error_code ignored;
  socket_.non_blocking(true, ignored);
}

std::expected<command_id, error> session::post(const command& c) {
  if (end_) return std::unexpected(error{errc::closed, std::string(c.name)});
  std::string bytes;
  const auto id = protocol_.send(c, bytes);
  if (!id) return id;
  if (const auto written = write(bytes); !written) {
    end(written.error());
    boost::system::error_code ignored;
    socket_.cancel(ignored);  // run() takes the peer's last words, then ends
    return std::unexpected(written.error());
  }
  return id;
}

void session::close() {
  closed_ = true;
  end({errc::cancelled});
  boost::system::error_code ignored;
  socket_.cancel(ignored);
  deadline_.cancel();
}

void session::on_sent(command_id id, const command& c) {
  if (!closed_) observer_.on_sent(id, c);
}

void session::on_received(std::string_view raw, std::optional<command_id> answers) {
  if (!closed_) observer_.on_received(raw, answers);
}

void session::on_ready(const greeting& hello, bool oob) {
  deadline_.cancel();
  if (!closed_) observer_.on_ready(hello, oob);
}

void session::on_event(const event& e) {
  if (!closed_) observer_.on_event(e);
}

void session::on_reply(command_id id, const reply& r) {
  for (auto* w : waiters_) {
    if (w->id != id) continue;
    if (r)
      w->result.emplace(json::value(**r, json::storage_ptr()));
    else
      w->result.emplace(std::unexpected(r.error()));
    w->done.cancel();
  }
  if (!closed_) observer_.on_reply(id, r);
}

void session::end(error why) {
  if (!end_) end_ = std::move(why);
}

void session::finish() {
  end({errc::cancelled, "run() was destroyed"});
  deadline_.cancel();
  for (auto* w : waiters_) {
    if (!w->result) w->result.emplace(std::unexpected(*end_));
    w->done.cancel();
  }
  boost::system::error_code ignored;
  socket_.close(ignored);
}

std::expected<void, error> session::read_some() {
  for (int i = 0; i < reads_in_a_row && !closed_; ++i) {
    const auto got =
        ::recv(socket_.native_handle(), scratch_.bytes->data(), scratch_.bytes->size(), MSG_DONTWAIT);
    if (got == 0) return std::unexpected(error{errc::closed, "by the peer"});
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) break;
    if (got < 0) return std::unexpected(error{errc::closed, reason(errno)});
    const std::string_view bytes(scratch_.bytes->data(), static_cast<std::size_t>(got));
    if (const auto taken = take(bytes); !taken) return taken;
    if (bytes.size() < scratch_.bytes->size() && !end_) break;
  }
  return {};
}

std::expected<void, error> session::take(std::string_view bytes) {
  const auto before = protocol_.at();
  if (const auto taken = protocol_.receive(bytes, std::chrono::steady_clock::now()); !taken) return taken;
  if (before != protocol_.at() && protocol_.at() == protocol::phase::negotiating) {
    arm(deadlines_.capabilities);
    observer_.on_greeting();
  }
  return write(protocol_.take_output());
}

/// Our commands are few and small, and a socket's buffer holds hundreds of kilobytes: a peer that lets it
/// fill up has not read for so long that waiting for it is of no use.
std::expected<void, error> session::write(std::string_view bytes) {
  if (bytes.empty()) return {};
  const auto sent = ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent == static_cast<ssize_t>(bytes.size())) return {};
  if (sent >= 0 || errno == EAGAIN)
    return std::unexpected(error{errc::would_block, "its socket buffer is full"});
  return std::unexpected(error{errc::closed, reason(errno)});
}

void session::arm(std::chrono::milliseconds deadline) {
  deadline_.expires_after(deadline);
  deadline_.async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
    const auto self = weak.lock();
    boost::system::error_code ignored;
    if (!ec && self && self->is_overdue()) self->socket_.cancel(ignored);
  });
}

/// Asks the clock, not whether the timer fired: it may have been armed anew while its handler was queued
/// already.
bool session::is_overdue() const {
  return protocol_.at() != protocol::phase::ready && deadline_.expiry() <= std::chrono::steady_clock::now();
}

/// What came is read before the deadline is judged: after a stall of ours both lie there.
void session::proceed(const boost::system::error_code& woken, std::size_t landed) {
  if (closed_) return;
  if (woken == asio::error::eof) return end({errc::closed, "by the peer"});
  if (woken && woken != asio::error::operation_aborted) return end({errc::closed, woken.message()});
  auto read = take({landing_.data(), landed});
  // Ended already: a command that was sent from within met a closed socket. The peer's last words are read.
  if (read && (woken || end_ || landed == landing_.size())) read = read_some();
  if (!read) end(read.error());
  if (!end_ && is_overdue()) end(expired_error());
}

error session::expired_error() const {
  if (protocol_.at() == protocol::phase::awaiting_greeting) {
    return {errc::no_greeting,
            "connected, but silent: another client holds this monitor, or QEMU does not run"};
  }
  return {errc::not_negotiated, "greeted, but qmp_capabilities is not answered: the main loop does not run"};
}

asio::awaitable<error> run(std::shared_ptr<session> s) {
  const std::unique_ptr<session, void (*)(session*)> finished(s.get(), [](session* p) { p->finish(); });
  s->arm(s->deadlines_.greeting);
  while (!s->end_) {
    const auto [ec, landed] = co_await s->socket_.async_receive(asio::buffer(s->landing_), as_result);
    if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none)
      s->close();
    s->proceed(ec, landed);
  }
  co_return *s->end_;
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
  const auto [ec] = co_await w.done.async_wait(as_result);
  if (w.result) co_return std::move(*w.result);
  if (ec) co_return std::unexpected(error{errc::cancelled, std::string(c.name)});
  co_return std::unexpected(error{errc::timed_out, std::string(c.name)});
}

}  // namespace unwedge::qmp
