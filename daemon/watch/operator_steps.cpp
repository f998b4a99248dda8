#include "daemon/watch/operator_steps.hpp"

#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>

namespace unwedge::watch {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds intent_patience{2'000};
constexpr const char* operators_run = "operator-request";

policies::instant now() {
  return std::chrono::steady_clock::now();
}

/// What an operator can ask for, and what it takes.
struct operators_action {
  std::string_view name;
  policies::action_kind kind;
  bool yes;  ///< has to be said again
};
constexpr std::array<operators_action, 3> table{{
    {"flag-core", policies::action_kind::flag_core, false},
    {"core", policies::action_kind::core, true},
    {"abort", policies::action_kind::abort, true},
}};

const operators_action* find(std::string_view name) {
  const auto found = std::ranges::find(table, name, &operators_action::name);
  return found == table.end() ? nullptr : &*found;
}

/// True for as long as it lives, also if what it is for throws.
class mark {
 public:
  explicit mark(bool& flag) : flag_(flag) { flag_ = true; }
  ~mark() { flag_ = false; }
  mark(const mark&) = delete;
  mark& operator=(const mark&) = delete;

 private:
  bool& flag_;
};

policies::step step_of(const operator_act& asked) {
  policies::step s{.action = asked.action, .needs = policies::needed_for(find(asked.action)->kind)};
  s.arguments["asked_by"] = "operator";
  if (asked.with_ram) s.arguments["with_ram"] = true;
  return s;
}

}  // namespace

std::string operator_steps::refuses(const operator_act& asked) const {
  const auto* what = find(asked.action);
  if (what == nullptr)
    return fmt::format("no action \"{}\"; there are flag-core, core and abort", asked.action);
  const auto needs = policies::needed_for(what->kind);
  const auto f = n_.situation.frame();
  if (!n_.process.lives()) return "its process is not known, or has ended";
  if (asked.with_ram && what->kind == policies::action_kind::core)
    return "a core of a running VM never holds its guest's memory";
  if (f.allowed < needs)
    return fmt::format("{} needs the authority {}, and this VM's is {}", asked.action, to_string(needs),
                       to_string(f.allowed));
  if (f.dry_run) return "a dry run: nothing is done";
  if (!f.held.empty()) return fmt::format("the VM is held ({}); unwedgectl release ends that", f.held);
  if (under_way_ || n_.engine.acting()) return "another step is under way on this VM";
  return "";
}

asio::awaitable<operator_steps::result> operator_steps::act(operator_act asked,
                                                            std::function<void(std::string)> say) {
  if (auto why = refuses(asked); !why.empty()) co_return std::unexpected("refused: " + why);
  const auto of = n_.process.held;
  const auto plan = co_await n_.stops.carry_out("plan", false, "");
  if (!plan) co_return std::unexpected("failed: " + plan.error());
  say(in_words("plan", *plan));
  if (find(asked.action)->yes && !asked.yes)
    co_return std::unexpected(fmt::format("not done: {} takes --yes", asked.action));
  // It took a moment: whatever stood in the way then may do so now.
  if (auto why = refuses(asked); !why.empty()) co_return std::unexpected("refused: " + why);
  if (of != n_.process.held) co_return std::unexpected("refused: another VM is behind the monitor");
  const mark until_done(under_way_);
  auto done = co_await act_on_record(std::move(asked));
  n_.vm.driver.wake_soon();
  co_return done;
}

/// The run in whose incident it goes on record: the one that was opened first, else one of its own.
std::string operator_steps::open_incident(const operator_act& asked) {
  if (!n_.incidents.none()) return n_.incidents.first_run();
  n_.incidents.open_for_operator(operators_run, fmt::format("An operator asked for {}.", asked.action));
  return operators_run;
}

asio::awaitable<operator_steps::result> operator_steps::act_on_record(operator_act asked) {
  const auto of = n_.process.held;
  const auto run = open_incident(asked);
  const auto s = step_of(asked);
  const auto number = co_await n_.incidents.of(run)->intent_beside(s, intent_patience);
  const auto* open = n_.incidents.of(run);
  const auto incident = open != nullptr ? open->id() : std::string();
  const auto began = now();
  auto done = of == n_.process.held ? co_await n_.stops.carry_out(asked.action, asked.with_ram, incident)
                                    : cores::answer(std::unexpected("another VM is behind the monitor"));
  const auto took = std::chrono::duration_cast<milliseconds>(now() - began);
  const std::string result = done ? "done" : "failed: " + done.error();
  const auto words = done ? in_words(asked.action, *done) : result;
  const auto& shared = n_.vm.shared;
  if (shared.meter.step_ended) shared.meter.step_ended(asked.action, result);
  shared.hub.publish("step", n_.vm.name, fmt::format("{} (operator): {}", asked.action, words),
                     {{"result", result}, {"policy", nullptr}});
  spdlog::warn("{}: operator: {}: {}", n_.vm.name, asked.action, words);
  if (auto* recorder = n_.incidents.of(run); recorder != nullptr && recorder->id() == incident) {
    recorder->outcome_beside(number, result, took);
    if (done) recorder->note(words);
    if (run == operators_run)
      n_.incidents.carry_out(run, policies::close_incident{done ? "observed" : "failed"});
  }
  if (!done) co_return std::unexpected(result);
  co_return words;
}

}  // namespace unwedge::watch
