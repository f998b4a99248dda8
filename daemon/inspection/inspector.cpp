#include "daemon/inspection/inspector.hpp"

#include "daemon/inspection/parse_stacks.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

namespace unwedge::inspection {
namespace {

using namespace std::chrono_literals;
using result = std::expected<policies::process_stacks, std::string>;

struct place {
  int& taken;
  explicit place(int& t) : taken(++t) {}
  place(const place&) = delete;
  place& operator=(const place&) = delete;
  ~place() { --taken; }
};

child::command stacks_of(const evidence::process& of, std::filesystem::path program,
                         std::chrono::milliseconds deadline) {
  // The helper ends by itself at its deadline, with what it has; ours is for one that does not.
  return {
      .program = std::move(program),
      .arguments = {"stacks", "--pid", fmt::format("{}", of.pid()), "--start-time",
                    fmt::format("{}", of.start_time()), "--deadline", fmt::format("{}ms", deadline.count())},
      .deadline = deadline + 1s,
      .most_output = most_document_bytes};
}

/// The helper says why in its document; one that made none says it by its end.
result read(const child::finished& f) {
  if (f.too_late || f.too_much || f.signal != 0) return std::unexpected("unwedge-inspect " + how_it_ended(f));
  auto stacks = parse_stacks(f.output);
  if (stacks && !stacks->threads.empty()) return stacks;
  if (stacks && !stacks->problems.empty()) return std::unexpected(stacks->problems.front());
  if (!f.well()) return std::unexpected("unwedge-inspect " + how_it_ended(f));
  return std::unexpected(stacks ? "unwedge-inspect saw no thread" : "unwedge-inspect: " + stacks.error());
}

}  // namespace

inspector::inspector(asio::any_io_executor executor, child::runner& runner)
    : executor_(std::move(executor)), runner_(runner) {}

asio::awaitable<bool> inspector::wait_for_place(std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  asio::steady_timer pause(executor_);
  while (running_ >= most_at_once) {
    if (std::chrono::steady_clock::now() >= until) co_return false;
    pause.expires_after(20ms);
    co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  co_return true;
}

asio::awaitable<result> inspector::take_stacks(std::shared_ptr<const evidence::process> of,
                                               std::filesystem::path program,
                                               std::chrono::milliseconds deadline) {
  if (!co_await wait_for_place(deadline))
    co_return std::unexpected(fmt::format("{} inspections are under way on this host already", most_at_once));
  const place taken(running_);
  auto command = stacks_of(*of, std::move(program), deadline);
  const auto done = co_await runner_.run(std::move(command));
  if (!done) co_return std::unexpected(done.error());
  co_return read(*done);
}

}  // namespace unwedge::inspection
