#include "daemon/rescuing/rescuer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace unwedge::rescuing {
namespace {

using std::chrono::steady_clock;
constexpr int done_status = 0, not_done_status = 1, usage_status = 2;

/// The one object that it said, and nothing else.
std::optional<boost::json::object> only_line(const child::finished& f) {
  if (!f.output.ends_with('\n') || f.output.find('\n') + 1 != f.output.size()) return std::nullopt;
  return parse_object(f.output);
}

std::string by(const std::string& what) {
  return "unwedge-rescue " + what;
}

std::expected<severed, failure> read(const child::finished& f, const sever_request& what) {
  const auto said = only_line(f);
  if (said && f.status == done_status) {
    auto done = read_severed(*said, what.fd, what.inode);
    if (done) return std::move(*done);
    return std::unexpected(failure{.vm = touched::maybe, .sentence = by(done.error())});
  }
  auto no = said && f.status == not_done_status ? read_refused(*said) : std::unexpected(std::string());
  if (no)
    return std::unexpected(failure{.vm = touched::no,
                                   .precondition = std::move(no->failed),
                                   .sentence = std::move(no->sentence),
                                   .preconditions = std::move(no->preconditions)});
  const bool usage = f.status == usage_status && f.output.empty();
  return std::unexpected(failure{.vm = usage ? touched::no : touched::maybe,
                                 .sentence = by(child::how_it_ended(f) + ", without an answer")});
}

}  // namespace

asio::awaitable<std::expected<plan, std::string>> rescuer::look(child::command c) {
  const auto done = co_await runner_.run(std::move(c));
  if (!done) co_return std::unexpected(done.error());
  if (!done->well()) co_return std::unexpected(by(child::how_it_ended(*done)));
  const auto said = only_line(*done);
  if (!said) co_return std::unexpected(by("says what cannot be read"));
  auto made = read_plan(*said);
  if (!made) co_return std::unexpected(by(made.error()));
  co_return std::move(*made);
}

asio::awaitable<std::expected<plan, std::string>> rescuer::plan_lease(std::filesystem::path program,
                                                                      lease_request what) {
  return look(planned(lease_command(std::move(program), what, patience_), patience_));
}

asio::awaitable<std::expected<plan, std::string>> rescuer::plan_sever(std::filesystem::path program,
                                                                      sever_request what) {
  return look(planned(sever_command(std::move(program), what, patience_), patience_));
}

asio::awaitable<std::expected<severed, failure>> rescuer::sever(std::filesystem::path program,
                                                                sever_request what,
                                                                std::chrono::milliseconds within) {
  auto command = sever_command(std::move(program), what, patience_);
  command.deadline = std::min(command.deadline, within);
  const auto done = co_await runner_.run(std::move(command));
  if (!done) co_return std::unexpected(failure{.sentence = done.error()});
  co_return read(*done, what);
}

asio::awaitable<std::expected<lease, failure>> rescuer::begin(std::filesystem::path program,
                                                              lease_request what) {
  const auto p = patience_;
  auto started = runner_.start(lease_command(std::move(program), what, p));
  if (!started) co_return std::unexpected(failure{.sentence = std::move(started.error())});
  dialogue said{what.holder, what.window};
  const auto line = co_await started->next_line(steady_clock::now() + p.look);
  const auto heard_at = steady_clock::now();
  if (line) said.hear(*line);
  if (said.now() == dialogue::phase::granted)
    co_return lease{std::move(*started), said, std::min(said.begun().until, heard_at + what.window), p};
  if (!line && line.error() == child::silence::cancelled)
    co_return std::unexpected(failure{.vm = touched::maybe,
                                      .sentence = "nobody waited for the lease any more",
                                      .over_by = heard_at + p.grace + what.window});
  const bool late = !line && line.error() == child::silence::too_late;
  auto end = co_await hear_out(std::move(*started), std::move(said), heard_at, heard_at + p.grace);
  if (end.now() == dialogue::phase::answered) end.break_off(by("granted it too late"));
  auto why = end.why();
  if (late) why.sentence = fmt::format("not granted within {} ms: {}", p.look.count(), why.sentence);
  if (why.vm != touched::no) why.over_by = steady_clock::now() + what.window;
  co_return std::unexpected(std::move(why));
}

}  // namespace unwedge::rescuing
