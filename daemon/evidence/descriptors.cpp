#include "daemon/evidence/descriptors.hpp"

#include "daemon/evidence/address.hpp"
#include "daemon/evidence/sockets.hpp"
#include "daemon/evidence/storage.hpp"

#include <fmt/format.h>

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <map>

namespace unwedge::evidence {

namespace {

constexpr std::string_view io_uring_target = "anon_inode:[io_uring]";

struct socket_name {
  int fd;
  std::uint64_t inode;
};

// Everything that /proc/PID/fd shows, sorted into what is looked at further.
struct table {
  std::vector<socket_name> sockets;
  std::map<int, std::string> files;  // everything else that some thread waits on
  std::vector<int> epolls;
};

std::string name_of(int fd) {
  return fmt::format("descriptor {}", fd);
}

std::vector<int> waited_on(const policies::process_facts& facts) {
  std::vector<int> fds;
  for (const auto& thread : facts.threads) {
    fds.insert(fds.end(), thread.polled_fds.begin(), thread.polled_fds.end());
    if (thread.io_fd) fds.push_back(*thread.io_fd);
  }
  std::ranges::sort(fds);
  fds.erase(std::ranges::unique(fds).begin(), fds.end());
  return fds;
}

policies::file_facts::kind kind_of(std::string_view target) {
  using enum policies::file_facts::kind;
  if (target == "anon_inode:[eventfd]") return eventfd;
  if (target == "anon_inode:[signalfd]") return signalfd;
  if (target == io_uring_target) return io_uring;
  if (target.starts_with('/') && !target.starts_with("/dev/")) return regular;
  return other;
}

void classify(sampling& s, table& seen, int fd, std::string_view target) {
  constexpr std::string_view socket = "socket:[";
  if (target.starts_with(socket)) {
    if (const auto inode = number_after(target.substr(socket.size()), ""); inode)
      seen.sockets.push_back({fd, static_cast<std::uint64_t>(*inode)});
    return;
  }
  if (target == "anon_inode:[signalfd]") s.facts.has_signalfd = true;
  if (target == "anon_inode:[eventpoll]") seen.epolls.push_back(fd);
  seen.files.emplace_hint(seen.files.end(), fd, target);
}

table list(sampling& s) {
  table seen;
  const auto fds = list_numbers(s.of.proc_dir(), "fd", most_descriptors);
  if (!fds) {
    s.missing.note("descriptors", "", fds.error());
    return seen;
  }
  if (fds->cut) s.missing.note("descriptors", "", fmt::format("only the first {} read", most_descriptors));
  const file_descriptor folder{::openat(s.of.proc_dir(), "fd", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  for (const int fd : fds->found) {
    const auto target = s.files.link(folder.get(), decimal{fd}.c_str());
    if (target)
      classify(s, seen, fd, *target);
    else if (target.error() != ENOENT)  // closed meanwhile
      s.missing.note("target", name_of(fd), target.error());
  }
  return seen;
}

std::vector<int> watched_by(sampling& s, int epoll) {
  std::vector<int> fds;
  const auto text = s.files.read(s.of.proc_dir(), fmt::format("fdinfo/{}", epoll).c_str());
  if (!text) {
    if (text.error() != ENOENT) s.missing.note("epoll set", name_of(epoll), text.error());
    return fds;
  }
  constexpr std::string_view key = "tfd:";
  for (auto at = text->find(key); at != text->npos; at = text->find(key, at + 1))
    if (const auto fd = number_after(text->substr(at), key)) fds.push_back(static_cast<int>(*fd));
  return fds;
}

// A thread of QEMU with many descriptors polls one epoll instance, which watches them (util/fdmon-epoll.c).
void expand_epolls(sampling& s, const table& seen) {
  const auto waited = waited_on(s.facts);
  for (const int epoll : seen.epolls) {
    if (!std::ranges::binary_search(waited, epoll)) continue;
    const auto watched = watched_by(s, epoll);
    for (auto& thread : s.facts.threads) {
      if (std::ranges::find(thread.polled_fds, epoll) == thread.polled_fds.end()) continue;
      for (const int fd : watched)
        if (thread.polled_fds.size() < most_polled) thread.polled_fds.push_back(fd);
    }
  }
}

void look_at_sockets(sampling& s, std::vector<socket_name> sockets, const std::vector<int>& waited) {
  const auto matters = [&](const socket_name& socket) {
    return std::ranges::binary_search(waited, socket.fd);
  };
  const auto rest = std::ranges::partition(sockets, matters);  // those first: the number is limited
  const auto waited_sockets = sockets.size() - rest.size();
  if (sockets.size() > most_sockets) {
    s.missing.note("sockets", "", fmt::format("only {} of {} read", most_sockets, sockets.size()));
    sockets.resize(most_sockets);
  }
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    const auto facts = look_at_socket(s.of, sockets[i].fd, sockets[i].inode, i < waited_sockets);
    if (!facts)
      s.missing.note("socket", name_of(sockets[i].fd), facts.error());
    else if (*facts)
      s.facts.sockets.push_back(**facts);
  }
  std::ranges::sort(s.facts.sockets, {}, &policies::socket_facts::fd);
}

/// How many requests the kernel has taken and not completed, as io_uring's fdinfo counts them; what is no
/// such count is 0.
std::uint32_t in_flight(sampling& s, int ring) {
  constexpr std::uint32_t most = 65'536;
  const auto text = s.files.read(s.of.proc_dir(), fmt::format("fdinfo/{}", ring).c_str());
  if (!text) return 0;
  const auto taken = number_after(*text, "CachedSqHead:");
  const auto completed = number_after(*text, "CachedCqTail:");
  if (!taken || !completed) return 0;
  const auto open = static_cast<std::uint32_t>(*taken) - static_cast<std::uint32_t>(*completed);
  return open <= most ? open : 0;
}

void keep_file(sampling& s, int fd, const std::string& target) {
  s.facts.files.push_back({.fd = fd, .what = kind_of(target), .target = printable(target)});
  auto& file = s.facts.files.back();
  if (target == io_uring_target) file.in_flight = in_flight(s, fd);
  const auto blocks = [&](const policies::thread_facts& t) { return t.io_fd == file.fd; };
  if (file.what == policies::file_facts::kind::regular && std::ranges::any_of(s.facts.threads, blocks))
    look_below(s, file);
}

}  // namespace

void read_descriptors(sampling& s) {
  const auto seen = list(s);
  expand_epolls(s, seen);
  const auto waited = waited_on(s.facts);
  look_at_sockets(s, seen.sockets, waited);
  // Which file an io_uring's requests are for the kernel does not tell: one of these.
  const auto is_ring = [](const auto& f) { return f.second == io_uring_target; };
  const bool has_ring = std::ranges::any_of(seen.files, is_ring);
  for (const auto& [fd, target] : seen.files) {
    const bool behind_a_ring = has_ring && kind_of(target) == policies::file_facts::kind::regular;
    const bool matters = target == io_uring_target || behind_a_ring || std::ranges::binary_search(waited, fd);
    if (matters && s.facts.files.size() < most_files) keep_file(s, fd, target);
  }
}

}  // namespace unwedge::evidence
