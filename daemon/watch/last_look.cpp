#include "daemon/watch/last_look.hpp"

#include "daemon/watch/monitor_commands.hpp"

#include <boost/asio/use_awaitable.hpp>

namespace unwedge::watch {
namespace {

policies::instant now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

asio::awaitable<last_look::answer> last_look::before_yank() {
  const auto session = n_.monitor.session();
  if (!session) co_return "refused: the connection was lost";
  const auto listed = co_await qmp::execute(session, {"query-yank", {}, true}, command_patience);
  if (!listed) co_return "refused: query-yank: " + to_string(listed.error());
  policies::apply_reply(n_.vm.model, policies::query::yank, *listed, now());
  auto changed = co_await before_cut();
  if (changed.empty() && session != n_.monitor.session()) changed = "refused: the connection was lost";
  co_return changed;
}

asio::awaitable<last_look::answer> last_look::before_cut() {
  const auto process = n_.process.held;
  if (!process) co_return "refused: the process is not known";
  auto facts = co_await n_.samples.take_undisturbed(n_.stall.suspicion());
  if (process != n_.process.held || !facts.alive || !process->alive())
    co_return "refused: the process has ended";
  const bool of_a_stall = n_.situation.view(now()).stall != nullptr;
  n_.stall.use(std::move(facts));
  if (of_a_stall && !n_.stall.judge_again())
    co_return "refused: at the last look the wait was no longer there";
  co_return "";
}

asio::awaitable<last_look::answer> last_look::same_verdict_again() {
  if (!n_.stall.verdict()) co_return "refused: there is no verdict";
  const auto before = *n_.stall.verdict();
  const auto process = n_.process.held;
  if (!process) co_return "refused: the process is not known";
  auto facts = co_await n_.samples.take();
  if (process != n_.process.held || !facts.alive || !process->alive())
    co_return "refused: the process has ended";
  n_.stall.use(std::move(facts));
  const auto again = n_.stall.judge_again();
  const auto root = [](const policies::verdict& v) { return v.root ? v.root->name : std::string(); };
  if (!again || again->kind != before.kind || root(*again) != root(before))
    co_return "refused: at the last look the wait was no longer there";
  co_return "";
}

last_look::answer last_look::confirmed(const std::string& run, const policies::step& s) {
  return n_.situation.confirms(run, s) ? "" : "refused: at the last look it was another situation";
}

}  // namespace unwedge::watch
