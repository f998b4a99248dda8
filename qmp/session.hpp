// One QMP connection over a unix stream socket: the only Asio in this library. It moves bytes between the
// socket and the protocol, keeps deadlines, and wakes whoever waits for a reply. It decides nothing.
//
// Example, all of it (a coroutine on one io_context):
//
//   struct quiet final : qmp::session_observer { void on_ready(const qmp::greeting&, bool) override {} ... };
//   qmp::io_scratch scratch;                                    // one a thread
//   quiet observer;
//   auto socket = qmp::connect(executor, "/run/web01.sock");     // expected<socket, error>
//   auto s = std::make_shared<qmp::session>(std::move(*socket), scratch, observer);
//   asio::co_spawn(executor, qmp::run(s), owner);               // greets, negotiates, reads until the end
//   ... once observer.on_ready was called:
//   auto status = co_await qmp::execute(s, qmp::query_status(), 2s);
//   if (status) fmt::print("{}\n", json::serialize(*status)); else fmt::print("{}\n",
//   to_string(status.error()));
#pragma once

#include "qmp/protocol.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <memory>

namespace unwedge::qmp {

namespace asio = boost::asio;
using socket = asio::local::stream_protocol::socket;

/// Buffers that all sessions of one thread share. Must outlive them.
struct io_scratch {
  parse_scratch parse;
  std::unique_ptr<std::array<char, 64u << 10>> bytes = std::make_unique<std::array<char, 64u << 10>>();
};

/// Whoever is told what a session sees, on the session's thread, from within run(). It must outlive run().
class session_observer {
 public:
  /// Every message in either direction, before what it leads to is told.
  virtual void on_sent(command_id, const command&) {}
  virtual void on_received(std::string_view, std::optional<command_id> /*answers*/) {}
  virtual void on_greeting() {}
  virtual void on_ready(const greeting& hello, bool oob) = 0;
  virtual void on_event(const event& e) = 0;
  /// Every reply to a command of ours, also one that nobody waits for any more.
  virtual void on_reply(command_id id, const reply& r) = 0;

 protected:
  ~session_observer() = default;
};

/// Connects to a QMP socket; never blocks. Errors: connect_failed with the path and the reason ("Connection
/// refused": nobody listens; "Resource temporarily unavailable": the backlog is full, another client holds
/// this monitor).
std::expected<socket, error> connect(const asio::any_io_executor& executor, const std::string& path);

class session final : private protocol_handler, public std::enable_shared_from_this<session> {
 public:
  /// `s` is connected. `scratch` and `observer` must outlive the session.
  session(socket s, io_scratch& scratch, session_observer& observer, limits l = {}, deadlines d = {});

  /// Sends a command whose reply nobody waits for; it reaches session_observer::on_reply under the id
  /// returned. Errors: not_negotiated, no_oob, too_many, would_block, closed.
  std::expected<command_id, error> post(const command& c);

  /// Ends the connection: run() returns errc::cancelled, and whoever waits in execute() gets it, too. The
  /// observer is not called any more, not even for messages that were received already. May be called from
  /// within the observer.
  void close();

  bool is_ready() const { return protocol_.at() == protocol::phase::ready && !end_; }
  bool oob() const { return protocol_.oob(); }
  bool in_band_outstanding() const { return protocol_.in_band_outstanding(); }
  std::size_t outstanding() const { return protocol_.outstanding(); }
  protocol::phase at() const { return protocol_.at(); }
  const protocol_counters& counters() const { return protocol_.counters(); }
  int native_handle() { return socket_.native_handle(); }

  friend asio::awaitable<error> run(std::shared_ptr<session> s);
  friend asio::awaitable<std::expected<json::value, error>> execute(std::shared_ptr<session> s, command c,
                                                                    std::chrono::milliseconds timeout);

 private:
  struct waiter;

  void on_sent(command_id id, const command& c) override;
  void on_received(std::string_view raw, std::optional<command_id> answers) override;
  void on_ready(const greeting& hello, bool oob) override;
  void on_event(const event& e) override;
  void on_reply(command_id id, const reply& r) override;

  std::expected<void, error> read_some();
  std::expected<void, error> take(std::string_view bytes);
  std::expected<void, error> write(std::string_view bytes);
  void proceed(const boost::system::error_code& woken, std::size_t landed);
  void arm(std::chrono::milliseconds deadline);
  bool is_overdue() const;
  error expired_error() const;
  void end(error why);
  void finish();

  socket socket_;
  io_scratch& scratch_;
  session_observer& observer_;
  protocol protocol_;
  deadlines deadlines_;
  asio::steady_timer deadline_;
  /// A probe's reply fits in here, and then a receive costs one system call: Asio's wait for readiness would
  /// cost an epoll_ctl more for each. What is longer goes on in the shared buffer.
  std::array<char, 192> landing_;
  std::vector<waiter*> waiters_;
  std::optional<error> end_;  ///< why the connection ends, once that is known
  bool closed_ = false;       ///< by its owner, who wants to hear no more
};

/// Greets, negotiates (with `oob` where offered) and reads until the connection ends; says why it ended,
/// never throws for what a peer does; what an observer throws passes through. Run it once, spawned by an
/// owner that waits for it. Cancellation: session::close(). However it ends, also by being destroyed, the
/// socket is closed and whoever waits in execute() is told.
asio::awaitable<error> run(std::shared_ptr<session> s);

/// Sends a command and waits for its reply, at most `timeout`. The string that `c.name` views must outlive
/// the call. After errc::timed_out or errc::closed nobody knows whether it ran: query, never assume. A timed
/// out command still counts as outstanding until QEMU answers it.
asio::awaitable<std::expected<json::value, error>> execute(std::shared_ptr<session> s, command c,
                                                           std::chrono::milliseconds timeout);

}  // namespace unwedge::qmp
