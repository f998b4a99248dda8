#include "tests/bench/peer_farm.hpp"

#include <fmt/format.h>

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <map>
#include <set>
#include <stdexcept>
#include <vector>

namespace unwedge::bench {

const std::string_view greeting =
    "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}, \"package\": \"Debian "
    "1:7.2+dfsg-7+deb12u18+b3\"}, \"capabilities\": [\"oob\"]}}\r\n";

namespace {

std::string_view value_of(std::string_view command) {
  if (command.contains("query-status"))
    return R"({"status": "running", "singlestep": false, "running": true})";
  if (command.contains("query-name")) return R"({})";
  if (command.contains("query-uuid")) return R"({"UUID": "00000000-0000-0000-0000-000000000000"})";
  if (command.contains("query-migrate-cap") || command.contains("query-jobs") ||
      command.contains("query-block-jobs") || command.contains("query-yank") ||
      command.contains("query-named")) {
    return "[]";
  }
  return "{}";
}

int listen_on(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.string().copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd, 1) != 0) {
    throw std::runtime_error("peer farm: cannot listen on " + path.string());
  }
  return fd;
}

void reply_to(int fd, std::string& line) {
  std::array<char, 4096> buffer;
  const auto got = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got == 0) {
    ::close(fd);
    return;
  }
  if (got < 0) return;
  line.append(buffer.data(), static_cast<std::size_t>(got));
  std::string out;
  for (auto end = line.find('\n'); end != std::string::npos; end = line.find('\n')) {
    out += answer(std::string_view(line).substr(0, end));
    line.erase(0, end + 1);
  }
  if (!out.empty()) (void)!::send(fd, out.data(), out.size(), MSG_NOSIGNAL);
}

[[noreturn]] void serve(const std::vector<int>& listeners) {
  const int poll = ::epoll_create1(EPOLL_CLOEXEC);
  const std::set<int> listening(listeners.begin(), listeners.end());
  std::map<int, std::string> lines;
  const auto add = [&](int fd) {
    epoll_event e{.events = EPOLLIN, .data = {.fd = fd}};
    ::epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e);
  };
  for (const int fd : listeners) add(fd);
  for (;;) {
    std::array<epoll_event, 128> ready;
    const int count = ::epoll_wait(poll, ready.data(), static_cast<int>(ready.size()), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = ready[static_cast<std::size_t>(i)].data.fd;
      if (!listening.contains(fd)) {
        reply_to(fd, lines[fd]);
        continue;
      }
      const int client = ::accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (client < 0) continue;
      lines[client].clear();
      (void)!::send(client, greeting.data(), greeting.size(), MSG_NOSIGNAL);
      add(client);
    }
  }
}

}  // namespace

std::string answer(std::string_view command) {
  const auto at = command.rfind("\"id\"");
  const auto first = command.find('"', command.find(':', at));
  const auto id = command.substr(first, command.find('"', first + 1) + 1 - first);
  return fmt::format("{{\"return\": {}, \"id\": {}}}\r\n", value_of(command), id);
}

peer_farm::peer_farm(const std::filesystem::path& folder, int count) {
  std::vector<int> listeners;
  for (int i = 0; i < count; ++i) listeners.push_back(listen_on(folder / fmt::format("vm{:04}.sock", i)));
  process_ = ::fork();
  if (process_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    serve(listeners);
  }
  for (const int fd : listeners) ::close(fd);
  if (process_ < 0) throw std::runtime_error("peer farm: cannot fork");
}

peer_farm::~peer_farm() {
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
}

}  // namespace unwedge::bench
