// One client's connection to the bus server: drives its sd-bus from Asio, answers its calls, sends it events.
// Private to the bus server, which owns it and spawns run().
#pragma once

#include "systemd/bus_server.hpp"
#include "systemd/sd_bus_handle.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <list>
#include <string>
#include <string_view>

namespace unwedge::systemd {

class bus_peer {
 public:
  /// Takes the connected socket `fd`. `options` and `vtable` outlive the peer. Throws std::system_error.
  bus_peer(const boost::asio::any_io_executor& executor, const bus_options& options, const bus_vtable& vtable,
           int fd);

  /// Serves until the client leaves, breaks the rules, or drop(); ends after the last of its handlers.
  /// Returns why, or "" for a client that just left.
  boost::asio::awaitable<std::string> run();

  /// Sends Event(json) if the client has subscribed.
  void emit(const char* json);

  /// Makes run() end; `why` is what it returns.
  void drop(std::string why);

  static int on_call(sd_bus_message* request, void* self, sd_bus_error* error);
  static int on_subscribe(sd_bus_message* request, void* self, sd_bus_error* error);

 private:
  using clock = std::chrono::steady_clock;
  struct call {
    message_handle request;
    boost::asio::cancellation_signal cancel;
  };
  using call_iterator = std::list<call>::iterator;

  boost::asio::awaitable<void> serve();
  boost::asio::awaitable<void> wait();
  boost::asio::awaitable<void> answer(call_iterator where, bus_handler handler, std::string argument);
  bool process();
  void check_deadlines();
  void start(sd_bus_message* request, const bus_handler& handler, std::string argument);
  void reply(sd_bus_message* request, bus_reply result);
  void sent(std::size_t bytes);
  void wake();

  boost::asio::any_io_executor executor_;
  const bus_options& options_;
  bus_handle bus_;
  boost::asio::posix::stream_descriptor ready_;  ///< a duplicate: sd-bus closes its own as it likes
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer call_ended_;
  std::list<call> calls_;
  clock::time_point const connected_ = clock::now();
  clock::time_point full_since_ = clock::time_point::max();  ///< the socket takes no more since then
  std::size_t unsent_ = 0;                                   ///< at most so many bytes wait in sd-bus's queue
  bool subscribed_ = false;
  bool ended_ = false;
  std::string why_;
};

}  // namespace unwedge::systemd
