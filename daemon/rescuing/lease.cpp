#include "daemon/rescuing/lease.hpp"

#include <algorithm>

namespace unwedge::rescuing {
namespace {

using std::chrono::steady_clock;
using instant = lease::instant;

}  // namespace

lease::lease(child::conversation with, dialogue so_far, instant over_by, patience p)
    : with_(std::move(with)), said_(std::move(so_far)), over_by_(over_by), patience_(p) {}

std::chrono::steady_clock::duration lease::left() const {
  const auto now = steady_clock::now();
  return with_.is_over() || now >= over_by_ ? steady_clock::duration::zero() : over_by_ - now;
}

asio::awaitable<dialogue> hear_out(child::conversation with, dialogue said, instant told_at, instant until) {
  for (;;) {
    const bool told = steady_clock::now() >= told_at;
    if (told) {
      with.say("end\n");
      with.hang_up();
    }
    const auto line = co_await with.next_line(told ? until : std::min(told_at, until));
    if (line) {
      said.hear(*line);
      continue;
    }
    if (line.error() == child::silence::cancelled) {
      said.break_off("nobody waited for the end of unwedge-rescue any more");
      co_return said;
    }
    if (line.error() == child::silence::ended || told) break;
  }
  const auto end = co_await with.end(until);
  if (end)
    said.close(*end);
  else
    said.never_ran(end.error());
  co_return said;
}

asio::awaitable<lease::result> lease::end() && {
  return finish(std::move(*this), steady_clock::now());
}

asio::awaitable<lease::result> lease::let_run_out() && {
  const auto until = over_by_ + patience_.after;
  return finish(std::move(*this), until);
}

asio::awaitable<lease::result> lease::finish(lease it, instant told_at) {
  const auto until = std::max(it.over_by_, steady_clock::now()) + it.patience_.after;
  const auto heard = co_await hear_out(std::move(it.with_), std::move(it.said_), told_at, until);
  if (heard.now() == dialogue::phase::answered) co_return heard.end();
  auto why = heard.why();
  why.over_by = it.over_by_;
  co_return std::unexpected(std::move(why));
}

}  // namespace unwedge::rescuing
