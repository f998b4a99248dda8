// unwedgectl's end of the private bus: synchronous, one connection, every operation with a deadline.
#pragma once

#include <chrono>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

struct sd_bus;

namespace unwedge::systemd {

enum class call_errc {
  no_daemon,  ///< no socket, or nobody listens on it
  forbidden,  ///< the socket's mode keeps us out
  failed,     ///< the daemon answered with an error; its text is ours
  timed_out,  ///< no answer in time; the call may still take effect
  closed,     ///< the daemon closed the connection (it ended, it refused us, too many clients)
};

struct call_error {
  call_errc code;
  std::string text;
};

class bus_client {
 public:
  using event_callback = std::function<void(std::string_view json)>;

  /// Connects and authenticates. `timeout` holds for this and for each call.
  static std::expected<bus_client, call_error> connect(
      const std::filesystem::path& path, std::chrono::milliseconds timeout = std::chrono::seconds(10));

  bus_client(bus_client&&) noexcept;
  bus_client& operator=(bus_client&&) noexcept;
  ~bus_client();

  /// Calls a method of org.unwedge.Daemon1. Events that arrive meanwhile are kept for wait().
  std::expected<std::string, call_error> call(std::string method, const std::string& argument);

  /// Asks for events; wait() hands them to `on_event`. Call once.
  std::expected<void, call_error> subscribe(event_callback on_event);

  /// Delivers the events that came; if there are none, waits up to `time` for some, or until a signal
  /// (EINTR). An error means that the connection is over.
  std::expected<void, call_error> wait(std::chrono::milliseconds time);

 private:
  struct closer {
    void operator()(sd_bus*) const;
  };
  bus_client(std::unique_ptr<sd_bus, closer> bus, std::chrono::milliseconds timeout);
  std::expected<std::string, call_error> invoke(std::string method, const char* argument);

  std::unique_ptr<event_callback> on_event_;  ///< sd-bus holds its address
  std::unique_ptr<sd_bus, closer> bus_;
  std::chrono::milliseconds timeout_;
};

}  // namespace unwedge::systemd
