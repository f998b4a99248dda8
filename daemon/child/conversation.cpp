#include "daemon/child/conversation.hpp"

#include "daemon/child/running.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

namespace unwedge::child {
namespace {

using instant = conversation::instant;
using child_ptr = std::shared_ptr<running>;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

/// Wakes all who wait for news, once.
class alarm {
 public:
  alarm(const child_ptr& child, instant at) : timer_(child->news().get_executor(), at) {
    timer_.async_wait([child](const boost::system::error_code& ec) {
      if (!ec) child->news().cancel();
    });
  }

 private:
  asio::steady_timer timer_;
};

bool is_past(instant until) {
  return std::chrono::steady_clock::now() >= until;
}

asio::awaitable<std::expected<std::string, silence>> hear(child_ptr child, instant until) {
  const alarm late{child, until};
  for (;;) {
    if (auto line = child->next_line()) co_return std::move(*line);
    if (child->has_ended()) co_return std::unexpected(silence::ended);
    if (is_past(until)) co_return std::unexpected(silence::too_late);
    co_await child->news().async_wait(as_result);
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) co_return std::unexpected(silence::cancelled);
  }
}

asio::awaitable<std::expected<finished, std::string>> see_to_its_end(child_ptr child, std::string program,
                                                                     instant until) {
  child->hang_up();
  const alarm late{child, until};
  while (!child->has_ended()) {
    if (is_past(until)) child->time_is_over();
    co_await child->news().async_wait(as_result);
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() == asio::cancellation_type::none) continue;
    child->stop();
    co_return finished{.too_late = true};
  }
  auto result = child->result();
  if (!result) co_return std::unexpected(fmt::format("{} {}", program, result.error()));
  co_return std::move(*result);
}

}  // namespace

conversation::conversation(std::shared_ptr<running> child, std::string program)
    : child_(std::move(child)), program_(std::move(program)) {}

conversation::conversation(conversation&&) noexcept = default;

conversation& conversation::operator=(conversation&& other) noexcept {
  std::swap(child_, other.child_);
  std::swap(program_, other.program_);
  return *this;
}

conversation::~conversation() {
  if (child_) child_->stop();
}

asio::awaitable<std::expected<std::string, silence>> conversation::next_line(instant until) {
  return hear(child_, until);
}

void conversation::say(std::string_view line) {
  child_->say(line);
}

void conversation::hang_up() {
  child_->hang_up();
}

bool conversation::is_over() const {
  return child_->was_told() || child_->has_ended();
}

bool conversation::has_ended() const {
  return child_->has_ended();
}

asio::awaitable<std::expected<finished, std::string>> conversation::end(instant until) {
  return see_to_its_end(child_, program_, until);
}

}  // namespace unwedge::child
