// A child while it runs: what it says line by line, and the word to end, which is the end of its stdin. Made
// by runner::start(). Decides nothing, logs nothing. One thread.
#pragma once

#include "daemon/child/command.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace unwedge::child {

namespace asio = boost::asio;
class running;

/// Why there is no line.
enum class silence { too_late, ended, cancelled };

/// The child is told to end when this is destroyed, and killed when its grace is over; nobody needs to wait
/// for that. Its deadline and the bounds of its output hold throughout: beyond them it is told to end as
/// well. The coroutines keep the child by themselves: this object may be moved or destroyed meanwhile.
class conversation {
 public:
  using instant = std::chrono::steady_clock::time_point;

  conversation(std::shared_ptr<running> child, std::string program);
  conversation(conversation&&) noexcept;
  conversation& operator=(conversation&&) noexcept;
  ~conversation();

  /// Its next line on stdout, without the line feed, as it came: hostile bytes. What it has written without a
  /// line feed at its end is no line. It is not told to end by a line that comes too late.
  asio::awaitable<std::expected<std::string, silence>> next_line(instant until);

  /// A line for it, with its line feed. Not after hang_up().
  void say(std::string_view line);
  /// Tells it to end; once is enough.
  void hang_up();
  /// It was told to end, by us or because the runner stops, or it has ended.
  bool is_over() const;
  bool has_ended() const;

  /// Tells it to end, waits for that, and kills it if it has not ended by `until` and its grace is over;
  /// returns a second later at the latest. With what it wrote beyond the lines that were read. Error: it
  /// never became the program. Cancelled, it leaves the killing to the grace and returns as if time was over.
  /// To be called once.
  asio::awaitable<std::expected<finished, std::string>> end(instant until);

 private:
  std::shared_ptr<running> child_;  ///< none once it was moved from
  std::string program_;
};

}  // namespace unwedge::child
