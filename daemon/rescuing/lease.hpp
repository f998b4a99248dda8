// A lease that was granted, for as long as it lasts: the VM's main loop runs, and what its holder waits for
// can be ended. Made by rescuer::begin(). One thread.
#pragma once

#include "daemon/child/conversation.hpp"
#include "daemon/rescuing/dialogue.hpp"
#include "daemon/rescuing/requests.hpp"

#include <expected>

namespace unwedge::rescuing {

namespace asio = boost::asio;

/// Whoever has it is in the window. Destroyed, it lets the window run out, and waits for nothing; so do the
/// child::runner's stop and the daemon's death. Whatever becomes of unwedge-rescue, the window is over by
/// over_by().
class lease {
 public:
  using instant = std::chrono::steady_clock::time_point;

  lease(child::conversation with, dialogue so_far, instant over_by, patience p);
  lease(lease&&) noexcept = default;
  lease& operator=(lease&&) noexcept = default;

  const granted& how() const { return said_.begun(); }
  /// The latest end of the window, if the VM's process is not stopped meanwhile.
  instant over_by() const { return over_by_; }
  /// How long nothing but its time ends it; zero: it is over, or may be.
  std::chrono::steady_clock::duration left() const;
  bool lasts() const { return left() > std::chrono::steady_clock::duration::zero(); }

  /// Both consume it; the coroutine keeps what it needs. Returns when unwedge-rescue has ended: within
  /// milliseconds of the window's end, at the latest `patience::after` later and a second; it is told to end
  /// then, and killed, if it was not yet. An answer is one also if the holder is not back
  /// (lease_end::returned). Error: there is no answer that can be believed; the VM was touched. Cancelled: an
  /// error, or the next co_await of the caller's throws; the window is ended all the same. Throws nothing
  /// itself.
  using result = std::expected<lease_end, failure>;
  /// Ends the window now.
  asio::awaitable<result> end() &&;
  /// Lets the window run out, as for a job that pauses and must not go on (docs/rescue.md).
  asio::awaitable<result> let_run_out() &&;

 private:
  static asio::awaitable<result> finish(lease it, instant told_at);

  child::conversation with_;
  dialogue said_;
  instant over_by_;
  patience patience_;
};

/// Feeds `said` with what is still said, tells `with` to end at `told_at`, and closes with its end, by
/// `until` and its grace.
asio::awaitable<dialogue> hear_out(child::conversation with, dialogue said,
                                   std::chrono::steady_clock::time_point told_at,
                                   std::chrono::steady_clock::time_point until);

}  // namespace unwedge::rescuing
