#include "daemon/watch/monitor_commands.hpp"

#include <boost/asio/use_awaitable.hpp>

namespace unwedge::watch {
namespace {

policies::instant now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

bool out_of_band(const policies::step& s) {
  return s.action == "yank";
}

asio::awaitable<std::string> monitor_commands::send(policies::step s, std::chrono::milliseconds patience) {
  const auto session = monitor_.session();
  if (!session) co_return "refused: the connection was lost";
  auto& waiting_since = vm_.model.monitor.waiting_since;
  const bool in_band = !out_of_band(s);
  if (in_band && !waiting_since) waiting_since = now();
  const auto done = co_await qmp::execute(session, {s.action, s.arguments, !in_band}, patience);
  if (session != monitor_.session()) co_return done ? "done" : "failed: " + to_string(done.error());
  if (done)
    policies::apply_accepted(vm_.model, s.action, s.arguments, now());
  else if (s.action.starts_with("migrate-set-"))
    monitor_.want({.settings = true});  // whether it took effect is not known
  co_return done ? "done" : "failed: " + to_string(done.error());
}

}  // namespace unwedge::watch
