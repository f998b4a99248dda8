#include "daemon/child/runner.hpp"

#include "daemon/child/running.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

namespace unwedge::child {
namespace {

/// Whoever waits no longer has no use for the child.
struct kept {
  std::shared_ptr<running> child;
  ~kept() { child->stop(); }
};

}  // namespace

runner::runner(asio::any_io_executor executor) : executor_(std::move(executor)) {}

runner::~runner() {
  stop();
}

std::expected<std::shared_ptr<running>, std::string> runner::begin(const command& c) {
  if (stopping_) return std::unexpected("nothing is run any more");
  auto child = spawn(c);
  if (!child) return std::unexpected(child.error());
  auto made = std::make_shared<running>(executor_, std::move(*child), c);
  std::erase_if(running_, [](const auto& r) { return r.expired(); });
  running_.push_back(made);
  made->begin(c.deadline);
  return made;
}

std::expected<conversation, std::string> runner::start(command c) {
  if (!c.grace) c.grace = std::chrono::milliseconds{0};
  auto child = begin(c);
  if (!child) return std::unexpected(child.error());
  return conversation{std::move(*child), c.program.string()};
}

asio::awaitable<std::expected<finished, std::string>> runner::run(command c) {
  auto child = begin(c);
  if (!child) co_return std::unexpected(child.error());
  const kept k{std::move(*child)};
  c.input = {};  // its own now: our end of a pipe would keep it open
  c.output = {};
  if (!k.child->has_ended()) co_await k.child->ended().async_wait(asio::as_tuple(asio::use_awaitable));
  auto result = k.child->result();
  if (!result) co_return std::unexpected(fmt::format("{} {}", c.program.string(), result.error()));
  co_return std::move(*result);
}

void runner::stop() {
  stopping_ = true;
  for (const auto& r : running_) {
    if (const auto child = r.lock()) child->leave();
  }
}

}  // namespace unwedge::child
