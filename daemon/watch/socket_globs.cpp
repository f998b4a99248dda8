#include "daemon/watch/socket_globs.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include <glob.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>

namespace unwedge::watch {
namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
/// For what inotify cannot see: a folder that is made later, and, once all are watched, whatever was missed.
constexpr std::chrono::seconds rescan_every{5};
constexpr std::chrono::seconds rescan_all_watched{60};
constexpr std::chrono::milliseconds settle{20};  ///< a start-up makes many sockets at once
constexpr std::size_t max_matches = 16'384;

std::vector<std::string> matches(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> out;
  if (::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < std::min(found.gl_pathc, max_matches); ++i)
      out.emplace_back(found.gl_pathv[i]);
  }
  ::globfree(&found);
  return out;
}

bool is_socket(const std::string& path) {
  struct stat s{};
  return ::lstat(path.c_str(), &s) == 0 && S_ISSOCK(s.st_mode);
}

}  // namespace

socket_globs::socket_globs(const asio::any_io_executor& executor, listener l)
    : executor_(executor), listener_(std::move(l)), inotify_(executor), rescan_(executor) {
  const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd >= 0)
    inotify_.assign(fd);
  else
    spdlog::warn("inotify: {}; folders are looked at every {} s", std::strerror(errno), rescan_every.count());
}

void socket_globs::set(std::vector<std::string> globs) {
  globs_ = std::move(globs);
  scan();
}

/// Watching a folder twice changes nothing (inotify_add_watch(2)).
void socket_globs::watch_folders() {
  all_watched_ = inotify_.is_open();
  if (!inotify_.is_open()) return;
  for (const auto& g : globs_) {
    const auto folders = matches(std::filesystem::path(g).parent_path().string());
    for (const auto& folder : folders) {
      const auto what = IN_CREATE | IN_DELETE | IN_MOVE | IN_ONLYDIR;
      if (::inotify_add_watch(inotify_.native_handle(), folder.c_str(), what) < 0) all_watched_ = false;
    }
    if (folders.empty()) all_watched_ = false;
  }
}

void socket_globs::scan() {
  watch_folders();
  std::set<std::string> now;
  for (const auto& g : globs_) {
    for (auto& path : matches(g)) {
      if (now.size() < max_matches && is_socket(path)) now.insert(std::move(path));
    }
  }
  for (const auto& path : known_) {
    if (!now.contains(path)) listener_.lost(path);
  }
  for (const auto& path : now) {
    if (!known_.contains(path)) listener_.found(path);
  }
  known_ = std::move(now);
}

asio::awaitable<void> socket_globs::wait_for_change() {
  co_await inotify_.async_wait(asio::posix::stream_descriptor::wait_read, as_result);
  std::array<char, 4096> events;
  while (::read(inotify_.native_handle(), events.data(), events.size()) > 0) continue;
  asio::steady_timer pause(executor_, settle);
  co_await pause.async_wait(as_result);
}

asio::awaitable<void> socket_globs::run() {
  using namespace asio::experimental::awaitable_operators;
  while (!stopping_) {
    rescan_.expires_after(all_watched_ ? rescan_all_watched : rescan_every);
    if (inotify_.is_open())
      co_await (wait_for_change() || rescan_.async_wait(as_result));
    else
      co_await rescan_.async_wait(as_result);
    co_await asio::this_coro::reset_cancellation_state();
    if (!stopping_) scan();
  }
}

void socket_globs::stop() {
  stopping_ = true;
  rescan_.cancel();
}

}  // namespace unwedge::watch
