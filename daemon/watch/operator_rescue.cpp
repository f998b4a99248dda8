#include "daemon/watch/operator_rescue.hpp"

#include "policies/actions.hpp"
#include "qmp/printable.hpp"

#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace unwedge::watch {
namespace {

namespace json = boost::json;
using policies::action_kind;

/// Of a hang that ends: the guest is started again, disks are flushed before that.
constexpr std::chrono::seconds back_within{5};

/// The smallest first.
constexpr std::array remedies{action_kind::yank_root, action_kind::sever_root, action_kind::rescue_root};

std::string names_in(const json::object& o, std::string_view key) {
  const auto* value = o.if_contains(key);
  const auto* all = value != nullptr ? value->if_array() : nullptr;
  std::vector<std::string> names;
  if (all != nullptr) {
    for (const auto& each : *all)
      names.push_back(each.is_string() ? std::string(qmp::printable(each.get_string())) : "?");
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string of_what(const policies::step& s) {
  const auto nodes = names_in(s.arguments, "nodes");
  return nodes.empty() ? "the migration stream" : "node " + nodes;
}

std::string window_in_words(const policies::step& s, const lease_orders& orders) {
  const auto fence = orders.fence();
  const char* const first = fence == policies::migration_fence::cancel ? "migrate_cancel, then "
                            : fence == policies::migration_fence::yank ? "yank of the migration, then "
                                                                       : "";
  return fmt::format("{}{} of {}", first, orders.cut.sever.empty() ? "yank" : "sever", of_what(s));
}

std::string lease_in_words(const policies::step& s, const lease_orders& orders) {
  return fmt::format("lends the BQL, held by thread {}, away{}; in the window {}, until job {} has failed",
                     orders.holder, orders.mutexes.size() > 1 ? " with its other locks" : "",
                     window_in_words(s, orders), names_in(s.arguments, "jobs"));
}

void add(const rescuing::plan& from, act_plan& to) {
  for (const auto& p : from.preconditions)
    to.preconditions.push_back(json::object{{"name", p.name}, {"ok", p.ok}, {"sentence", p.sentence}});
  if (!from.would && to.against.empty()) to.against = from.failed + ": " + from.sentence;
  if (from.walks_graph.value_or(false))
    to.sentence += " Its holder walks the block graph: the VM should be migrated away soon afterwards.";
}

}  // namespace

std::string remedy_in_words(const policies::step& s) {
  if (const auto orders = lease_orders_of(s)) return s.action + ": " + lease_in_words(s, *orders) + '.';
  if (const auto connections = connections_of(s))
    return fmt::format("{}: shuts {} connection{} down from outside, of {}.", s.action, connections->size(),
                       connections->size() == 1 ? "" : "s", of_what(s));
  return fmt::format("{} {}", s.action, json::serialize(s.arguments));
}

std::expected<policies::step, std::string> operator_rescue::remedy(std::string_view asked) const {
  const auto seen = n_.situation.view(std::chrono::steady_clock::now());
  if (seen.stall == nullptr) return std::unexpected("there is no verdict that anything could be done about");
  std::string why;
  for (const auto kind : remedies) {
    const auto name = policies::to_string(kind);
    if (asked != "rescue" && asked != name) continue;
    const auto plan = policies::resolve(kind, {}, seen);
    const bool tried = !plan.ladder.empty() && n_.look.stall.was_tried(plan.ladder.front().action);
    if (!plan.ladder.empty() && !(tried && asked == "rescue")) return plan.ladder.front();
    why += fmt::format("{}No {}: {}", why.empty() ? "" : " ", name,
                       tried ? "it was tried on this hang." : plan.why_not);
  }
  return std::unexpected(why);
}

asio::awaitable<act_plan> operator_rescue::plan(policies::step s) {
  act_plan out{.sentence = remedy_in_words(s), .preconditions = {}, .against = {}};
  if (!policies::cuts_from_outside(s)) co_return out;
  const auto plans = co_await n_.rescue.plan(std::move(s));
  if (!plans)
    out.against = plans.error();
  else
    for (const auto& each : *plans) add(each, out);
  co_return out;
}

asio::awaitable<act_outcome> operator_rescue::carry_out(std::string asked, policies::step s) {
  const bool asks_monitor = out_of_band(s) || yanks_in_window(s);
  const auto changed = asks_monitor ? co_await look_.before_yank() : co_await look_.before_cut();
  if (!changed.empty()) co_return act_outcome{changed};
  const auto again = remedy(asked);
  if (!again || *again != s) co_return act_outcome{"refused: at the last look it was another situation"};
  const auto banned = [this, needs = s.needs] { return n_.situation.forbids(needs); };
  if (auto why = banned(); !why.empty()) co_return act_outcome{"refused: " + why};
  auto done = policies::cuts_from_outside(s) ? co_await n_.rescue.carry_out(std::move(s), banned)
                                             : co_await n_.commands.send(std::move(s));
  if (done.result == "done" && !co_await n_.rescue.main_loop_answers(back_within))
    done.result = "failed: it was done, and the main loop does not answer";
  co_return done;
}

}  // namespace unwedge::watch
