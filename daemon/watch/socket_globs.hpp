// Finds monitors' sockets by globs, and notices at once when one appears or goes (inotify(7)). One thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace unwedge::watch {

namespace asio = boost::asio;

class socket_globs {
 public:
  struct listener {
    std::function<void(const std::string& path)> found;
    std::function<void(const std::string& path)> lost;
  };

  socket_globs(const asio::any_io_executor& executor, listener l);

  /// Replaces the globs and looks at once. Folders that do not exist yet are looked for every few seconds.
  void set(std::vector<std::string> globs);

  /// Looks whenever something changes, until stop(). Spawn once.
  asio::awaitable<void> run();
  void stop();

 private:
  void scan();
  void watch_folders();
  asio::awaitable<void> wait_for_change();

  asio::any_io_executor executor_;
  listener listener_;
  std::vector<std::string> globs_;
  std::set<std::string> known_;
  asio::posix::stream_descriptor inotify_;
  asio::steady_timer rescan_;
  bool all_watched_ = false;
  bool stopping_ = false;
};

}  // namespace unwedge::watch
