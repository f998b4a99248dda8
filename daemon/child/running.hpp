// One child from its start to its end: what it writes, its deadline, its end. For runner.cpp only.
#pragma once

#include "daemon/child/spawn.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <optional>

namespace unwedge::child {

namespace asio = boost::asio;

/// One thread. Kept alive by what it waits for, at last by the child's end: one that hangs in the kernel is
/// reaped whenever it ends, though nobody asks for it any more. If the executor is destroyed before, the
/// destructor kills the child and waits a moment.
class running : public std::enable_shared_from_this<running> {
 public:
  running(const asio::any_io_executor& executor, spawned s, const command& c);
  ~running();
  running(const running&) = delete;
  running& operator=(const running&) = delete;

  void begin(std::chrono::milliseconds deadline);
  /// Ends it soon; one with a grace is told to end first.
  void stop();
  /// The same, because it took too long.
  void time_is_over();
  /// Tells it to end, by the end of its stdin.
  void hang_up();
  /// On its stdin, if it reads it; one word that finds no room is lost.
  void say(std::string_view line);
  /// What it has written up to the next line feed, which is left out; nullopt: no further line yet, or ever.
  std::optional<std::string> next_line();
  /// Cancelled whenever next_line() or has_ended() may say something else; never expires.
  asio::steady_timer& news() { return news_; }
  /// The same, and if it does not end in time it is not reaped: so that the executor can end.
  void leave();
  /// Cancelled when it has ended and all that it wrote is read.
  asio::steady_timer& ended() { return ended_; }
  bool has_ended() const { return over_; }
  bool was_told() const { return told_.has_value(); }
  /// Once it has ended, its output without the lines; error: it never became the program.
  std::expected<finished, std::string> result();

 private:
  struct stream {
    std::optional<asio::posix::stream_descriptor> from;
    std::string* into;
    std::size_t most;
    bool kills;  ///< more than that ends the child
    std::vector<char> chunk;
  };
  void read(stream& s);
  bool take(stream& s, std::size_t bytes);  ///< whether there may be more
  void wait_for_end();
  void kill_now();
  bool ends_within(std::chrono::milliseconds) const;
  bool reap();
  void check();
  void finish();

  spawned child_;
  finished result_;
  asio::posix::stream_descriptor end_;
  stream output_, error_output_;
  asio::steady_timer deadline_, ended_, news_;
  std::optional<std::chrono::milliseconds> grace_;
  std::optional<std::chrono::steady_clock::time_point> told_;  ///< to end
  std::size_t heard_ = 0;                                      ///< bytes of its output, in lines
  std::size_t searched_ = 0;                                   ///< bytes of it, for a line feed
  bool reaped_ = false;
  bool over_ = false;
  bool left_ = false;
  bool killed_ = false;
};

}  // namespace unwedge::child
