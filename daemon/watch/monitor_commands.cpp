#include "daemon/watch/monitor_commands.hpp"

#include <boost/asio/use_awaitable.hpp>

namespace unwedge::watch {
namespace {

policies::instant now() {
  return std::chrono::steady_clock::now();
}

/// Sent, and without QEMU's answer, it may have been carried out all the same.
act_outcome outcome_of(const std::expected<boost::json::value, qmp::error>& done) {
  if (done) return {"done"};
  const auto code = done.error().code;
  const bool known = code == qmp::errc::refused || code == qmp::errc::no_oob || code == qmp::errc::too_many;
  return {.result = "failed: " + to_string(done.error()), .touched = !known};
}

}  // namespace

bool out_of_band(const policies::step& s) {
  return s.action == "yank";
}

asio::awaitable<act_outcome> monitor_commands::send(policies::step s, std::chrono::milliseconds patience) {
  const auto session = monitor_.session();
  if (!session) co_return act_outcome{"refused: the connection was lost"};
  auto& waiting_since = vm_.model.monitor.waiting_since;
  const bool in_band = !out_of_band(s);
  if (in_band && !waiting_since) waiting_since = now();
  const auto done = co_await qmp::execute(session, {s.action, s.arguments, !in_band}, patience);
  if (session != monitor_.session()) co_return outcome_of(done);
  if (done)
    policies::apply_accepted(vm_.model, s.action, s.arguments, now());
  else if (s.action.starts_with("migrate-set-"))
    monitor_.want({.settings = true});  // whether it took effect is not known
  co_return outcome_of(done);
}

}  // namespace unwedge::watch
