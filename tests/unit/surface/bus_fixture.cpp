#include "tests/unit/surface/bus_fixture.hpp"

#include <boost/asio.hpp>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <functional>

namespace unwedge::tests {
namespace {

using namespace std::chrono_literals;
using boost::asio::awaitable;
using systemd::bus_reply;

awaitable<bus_reply> echo(std::string text) {
  co_return "{\"argument\":\"" + text + "\"}";
}
awaitable<bus_reply> fail(std::string text) {
  co_return std::unexpected("no VM \"" + text + "\"; there are: web01, db01");
}
awaitable<bus_reply> throws(std::string) {
  throw std::runtime_error("a bug");
  co_return "";
}
awaitable<bus_reply> never(std::string) {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, 1h);
  co_await timer.async_wait(boost::asio::use_awaitable);
  co_return "too late";
}
awaitable<bus_reply> large(std::string) {
  co_return std::string(1u << 20, 'x');
}
awaitable<bus_reply> latin1(std::string) {
  co_return "\"caf\xe9\"";
}

bool eventually(std::function<bool()> holds) {
  for (auto const end = std::chrono::steady_clock::now() + 10s; std::chrono::steady_clock::now() < end;) {
    if (holds()) return true;
    std::this_thread::sleep_for(5ms);
  }
  return false;
}

}  // namespace

systemd::bus_methods test_methods() {
  return {{"Echo", &echo},   {"Fail", &fail},   {"Throw", &throws},
          {"Never", &never}, {"Large", &large}, {"Latin1", &latin1}};
}

bus_fixture::bus_fixture(systemd::bus_options options) {
  options.path = path_;
  options.methods = test_methods();
  options.report = std::bind_front(&bus_fixture::note, this);
  server_ = std::make_unique<running_server<systemd::bus_server>>(
      [&](auto executor) { return systemd::bus_server::listen(executor, options); });
}

void bus_fixture::note(std::string text) {
  std::lock_guard const lock(mutex_);
  reports_.push_back(std::move(text));
}

systemd::bus_client bus_fixture::connect() const {
  auto client = systemd::bus_client::connect(path_);
  if (!client) throw std::runtime_error(client.error().text);
  return std::move(*client);
}

std::size_t bus_fixture::clients() {
  return server_->on_loop([](systemd::bus_server& server) { return server.clients(); });
}

void bus_fixture::emit(std::string json) {
  server_->on_loop([&](systemd::bus_server& server) { server.emit(json); });
}

bool bus_fixture::reaches(std::size_t wanted) {
  return eventually([&] { return clients() == wanted; });
}

bool bus_fixture::reported(std::string_view part) {
  return eventually([&] {
    std::lock_guard const lock(mutex_);
    return std::ranges::any_of(reports_, [&](auto const& text) { return text.contains(part); });
  });
}

int connect_raw(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  int const fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return fd;
  ::close(fd);
  return -1;
}

bool closes_within(int fd, std::chrono::milliseconds time) {
  auto const end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
    pollfd state{fd, POLLIN, 0};
    if (::poll(&state, 1, 20) <= 0) continue;
    char bytes[4096];
    if (::recv(fd, bytes, sizeof(bytes), 0) <= 0) return true;
  }
  return false;
}

}  // namespace unwedge::tests
