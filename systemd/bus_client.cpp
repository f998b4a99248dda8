#include "systemd/bus_client.hpp"

#include "systemd/sd_bus_handle.hpp"

#include <fmt/format.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace unwedge::systemd {
namespace {

using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

std::uint64_t microseconds(milliseconds time) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 0)) * 1000;
}

call_error from_errno(int code, std::string_view tried) {
  auto const text = fmt::format("{}: {}", tried, std::strerror(code));
  switch (code) {
    case ENOENT:
    case ECONNREFUSED:
    case ENOTDIR:
      return {call_errc::no_daemon, text};
    case EACCES:
    case EPERM:
      return {call_errc::forbidden, text};
    case EAGAIN:  // SO_SNDTIMEO on a full backlog
    case ETIMEDOUT:
      return {call_errc::timed_out, fmt::format("{}: no answer", tried)};
    default:
      return {call_errc::closed,
              fmt::format("{}: the daemon closed the connection ({})", tried, std::strerror(code))};
  }
}

/// A connected socket; a unix connect() waits while the backlog is full, hence the send time-out.
std::expected<int, call_error> connect_socket(const std::filesystem::path& path, milliseconds timeout) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  auto const tried = fmt::format("connect to {}", path.string());
  if (path.native().size() >= sizeof(address.sun_path)) return std::unexpected(from_errno(ENOENT, tried));
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  int const fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return std::unexpected(from_errno(errno, tried));
  timeval const limit{timeout.count() / 1000, (timeout.count() % 1000) * 1000};
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return fd;
  int const why = errno;
  ::close(fd);
  return std::unexpected(from_errno(why, tried));
}

/// sd_bus_call() would do this, but with a fixed 90 s against a daemon that is stopped.
int authenticate(sd_bus* bus, clock::time_point deadline) {
  while (sd_bus_is_ready(bus) == 0) {
    auto const left = std::chrono::duration_cast<milliseconds>(deadline - clock::now());
    if (left <= milliseconds::zero()) return -ETIMEDOUT;
    int done = sd_bus_process(bus, nullptr);
    if (done == 0) done = sd_bus_wait(bus, microseconds(left));
    if (done < 0 && done != -EINTR) return done;
  }
  return sd_bus_is_ready(bus);
}

int on_event_message(sd_bus_message* message, void* callback, sd_bus_error*) {
  const char* json = nullptr;
  if (sd_bus_message_read(message, "s", &json) < 0) return 0;
  (*static_cast<bus_client::event_callback*>(callback))(json);
  return 1;
}

}  // namespace

void bus_client::closer::operator()(sd_bus* bus) const {
  sd_bus_close_unref(bus);
}

bus_client::bus_client(std::unique_ptr<sd_bus, closer> bus, milliseconds timeout)
    : bus_(std::move(bus)), timeout_(timeout) {}
bus_client::bus_client(bus_client&&) noexcept = default;
bus_client& bus_client::operator=(bus_client&&) noexcept = default;
bus_client::~bus_client() = default;

std::expected<bus_client, call_error> bus_client::connect(const std::filesystem::path& path,
                                                          milliseconds timeout) {
  auto const deadline = clock::now() + timeout;
  auto const fd = connect_socket(path, timeout);
  if (!fd) return std::unexpected(fd.error());
  sd_bus* made = nullptr;
  int done = sd_bus_new(&made);
  std::unique_ptr<sd_bus, closer> bus(made);
  if (done >= 0) done = sd_bus_set_fd(made, *fd, *fd);
  if (done < 0) ::close(*fd);
  if (done >= 0) done = sd_bus_start(made);
  if (done >= 0) done = authenticate(made, deadline);
  if (done < 0) return std::unexpected(from_errno(-done, fmt::format("talk to {}", path.string())));
  return bus_client(std::move(bus), timeout);
}

std::expected<std::string, call_error> bus_client::invoke(std::string method, const char* argument) {
  sd_bus_message* made = nullptr;
  int done =
      sd_bus_message_new_method_call(bus_.get(), &made, nullptr, object_path, interface_name, method.c_str());
  message_handle const request(made);
  if (done >= 0 && argument != nullptr) done = sd_bus_message_append_basic(made, 's', argument);
  if (done < 0) return std::unexpected(from_errno(-done, method));
  sd_bus_error error{};
  sd_bus_message* answered = nullptr;
  done = sd_bus_call(bus_.get(), made, microseconds(timeout_), &error, &answered);
  message_handle const reply(answered);
  if (done < 0) {
    bool const theirs =
        answered == nullptr && error.name != nullptr && std::string_view(error.name) == error_failed;
    auto failure = theirs ? call_error{call_errc::failed, error.message} : from_errno(-done, method);
    if (!theirs && sd_bus_error_has_name(&error, SD_BUS_ERROR_UNKNOWN_METHOD) > 0) {
      failure = {call_errc::failed, fmt::format("this daemon has no method {}", method)};
    } else if (!theirs && sd_bus_error_has_name(&error, SD_BUS_ERROR_LIMITS_EXCEEDED) > 0) {
      failure = {call_errc::failed, error.message};
    }
    sd_bus_error_free(&error);
    return std::unexpected(std::move(failure));
  }
  const char* text = "";
  if (argument != nullptr && sd_bus_message_read(answered, "s", &text) < 0) {
    return std::unexpected(call_error{call_errc::failed, fmt::format("{}: the answer is no text", method)});
  }
  return std::string(text);
}

std::expected<std::string, call_error> bus_client::call(std::string method, const std::string& argument) {
  return invoke(std::move(method), argument.c_str());
}

std::expected<void, call_error> bus_client::subscribe(event_callback on_event) {
  on_event_ = std::make_unique<event_callback>(std::move(on_event));
  int const added = sd_bus_match_signal(bus_.get(), nullptr, nullptr, object_path, interface_name, "Event",
                                        &on_event_message, on_event_.get());
  if (added < 0) return std::unexpected(from_errno(-added, "Subscribe"));
  auto const done = invoke("Subscribe", nullptr);
  if (!done) return std::unexpected(done.error());
  return {};
}

std::expected<void, call_error> bus_client::wait(milliseconds time) {
  int done = sd_bus_process(bus_.get(), nullptr);
  if (done == 0) {
    done = sd_bus_wait(bus_.get(), microseconds(time));
    if (done == -EINTR) return {};
    if (done > 0) done = sd_bus_process(bus_.get(), nullptr);
  }
  while (done > 0) done = sd_bus_process(bus_.get(), nullptr);
  if (done < 0) return std::unexpected(from_errno(-done, "wait for events"));
  return {};
}

}  // namespace unwedge::systemd
