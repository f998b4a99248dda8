#include "tests/bench/benches.hpp"

#include <fmt/format.h>

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <ctime>
#include <stdexcept>
#include <vector>

namespace unwedge::bench {
namespace {

int connect_to(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.string().copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("floor: connect");
  return fd;
}

void exchange(int fd, std::string_view command) {
  std::array<char, 4096> buffer;
  if (!command.empty() && ::write(fd, command.data(), command.size()) < 0)
    throw std::runtime_error("floor: write");
  if (::read(fd, buffer.data(), buffer.size()) <= 0) throw std::runtime_error("floor: read");
}

double cpu_now() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

}  // namespace

/// A timer says when the next few are due, so that the probes are spread over the second as the daemon's are.
double probe_floor(const std::filesystem::path& folder, int count, int seconds) {
  constexpr int slots = 20;
  const int poll = ::epoll_create1(EPOLL_CLOEXEC);
  const int timer = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  const itimerspec every{.it_interval = {0, 1'000'000'000 / slots}, .it_value = {0, 1}};
  ::timerfd_settime(timer, 0, &every, nullptr);
  std::vector<int> peers;
  const auto add = [&](int fd) {
    epoll_event e{.events = EPOLLIN, .data = {.fd = fd}};
    ::epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e);
  };
  for (int i = 0; i < count; ++i) {
    peers.push_back(connect_to(folder / fmt::format("vm{:04}.sock", i)));
    exchange(peers.back(), "");
    exchange(peers.back(),
             "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\"]},\"id\":\"u0\"}\r\n");
    add(peers.back());
  }
  add(timer);
  const auto began = cpu_now();
  std::array<char, 65'536> buffer;
  const std::string_view probe = "{\"execute\":\"query-status\",\"id\":\"u1000\"}\r\n";
  for (int slot = 0; slot < seconds * slots;) {
    std::array<epoll_event, 128> ready;
    const int n = ::epoll_wait(poll, ready.data(), static_cast<int>(ready.size()), -1);
    for (int i = 0; i < n; ++i) {
      const int fd = ready[static_cast<std::size_t>(i)].data.fd;
      if (fd != timer) {
        (void)!::read(fd, buffer.data(), buffer.size());
        continue;
      }
      std::uint64_t ticks = 0;
      (void)!::read(timer, &ticks, sizeof ticks);
      for (int v = slot % slots; v < count; v += slots)
        (void)!::write(peers[static_cast<std::size_t>(v)], probe.data(), probe.size());
      ++slot;
    }
  }
  const auto used = cpu_now() - began;
  for (const int fd : peers) ::close(fd);
  ::close(timer);
  ::close(poll);
  return used / seconds;
}

}  // namespace unwedge::bench
