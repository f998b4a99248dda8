// The operator's door: a private D-Bus server (peer to peer, no bus daemon) on a unix socket. unwedged serves
// its JSON contracts over it to unwedgectl; it knows nothing of what the methods do.
#pragma once

#include "systemd/unix_listener.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <expected>
#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace unwedge::systemd {

class bus_peer;
struct bus_vtable;

/// A method: argument text in, JSON text out; an error's text goes to the caller as org.unwedge.Error.Failed.
/// An exception that it throws becomes such an error and is reported. It is cancelled when its caller goes
/// away or the server stops. Replies are asynchronous: a slow method delays no other.
using bus_reply = std::expected<std::string, std::string>;
using bus_handler = std::function<boost::asio::awaitable<bus_reply>(std::string)>;
using bus_methods = std::map<std::string, bus_handler, std::less<>>;

struct bus_options {
  std::filesystem::path path;                    ///< of the socket; its folder must exist
  bus_methods methods = {};                      ///< D-Bus member name -> handler; `Subscribe` is built in
  std::function<void(std::string)> report = {};  ///< a sentence for the log: a client refused, dropped, ...
  std::size_t max_clients = 32;                  ///< more are closed at once
  std::size_t max_calls = 16;                    ///< unanswered calls of a client; more are refused
  std::size_t max_unsent_bytes = 64u << 20;  ///< queued for a client that does not read; then it is dropped
  std::chrono::milliseconds authenticate_in{5'000};  ///< a client that says nothing is dropped after this
  std::chrono::milliseconds unread_for{10'000};      ///< a client whose socket stays full so long is dropped
};

/// Object /org/unwedge/Daemon1, interface org.unwedge.Daemon1: every method of the table is `s -> s`;
/// Subscribe() makes the signal Event(s) come to its caller. Peers other than root and our own uid are
/// dropped. One thread: call everything from the executor's. Destroy only after run() has returned.
class bus_server {
 public:
  /// Owns the path from here on (see unix_listener for errors); serves nobody before run().
  static std::expected<std::unique_ptr<bus_server>, std::string> listen(
      const boost::asio::any_io_executor& executor, bus_options options);
  ~bus_server();

  /// Serves until stop(), or until it is cancelled; returns when every connection and every handler has
  /// ended. Call once. Reports what goes wrong with a client; throws only what is a bug or out of memory.
  boost::asio::awaitable<void> run();

  /// Sends Event(json) to the subscribers. Never blocks; one that does not read is dropped.
  void emit(std::string_view json);

  /// Closes the socket and all connections, cancels the handlers. Idempotent; run() ends soon after.
  void stop();

  std::size_t clients() const { return peers_.size(); }

 private:
  using socket = boost::asio::local::stream_protocol::socket;

  bus_server(const boost::asio::any_io_executor& executor, bus_options options, unix_listener listener);
  void admit(socket client);
  void ended(std::list<std::unique_ptr<bus_peer>>::iterator peer, const std::exception_ptr& thrown);
  void report(std::string text) const;

  boost::asio::any_io_executor executor_;
  bus_options options_;
  unix_listener listener_;
  std::unique_ptr<bus_vtable> vtable_;
  boost::asio::local::stream_protocol::acceptor acceptor_;
  boost::asio::steady_timer changed_;  ///< expires when a peer ends or the server stops
  std::list<std::unique_ptr<bus_peer>> peers_;
  std::exception_ptr failure_;
  bool stopping_ = false;
};

}  // namespace unwedge::systemd
