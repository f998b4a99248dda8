#include "daemon/watch/operator_steps.hpp"

#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <vector>

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
  bool yes;     ///< has to be said again
  bool remedy;  ///< of a hang; else it is about a core
};
constexpr std::array<operators_action, 7> table{{
    {"rescue", true, true},
    {"yank-root", true, true},
    {"sever-root", true, true},
    {"rescue-root", true, true},
    {"flag-core", false, false},
    {"core", true, false},
    {"abort", true, false},
}};

const operators_action* find(std::string_view name) {
  const auto found = std::ranges::find(table, name, &operators_action::name);
  return found == table.end() ? nullptr : &*found;
}

std::string names() {
  std::vector<std::string_view> all;
  for (const auto& a : table) all.push_back(a.name);
  return fmt::format("{}", fmt::join(all, ", "));
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

policies::step core_step(const operator_act& asked) {
  policies::step s{.action = asked.action,
                   .arguments = {},
                   .needs = policies::needed_for(*policies::parse_action(asked.action))};
  if (asked.with_ram) s.arguments["with_ram"] = true;
  return s;
}

policies::step on_record(policies::step s) {
  s.arguments["asked_by"] = "operator";
  return s;
}

}  // namespace

std::string operator_steps::unknown(const operator_act& asked) const {
  if (find(asked.action) == nullptr)
    return fmt::format("no action \"{}\"; there are {}", asked.action, names());
  if (!n_.process.lives()) return "its process is not known, or has ended";
  if (asked.with_ram && asked.action == "core")
    return "a core of a running VM never holds its guest's memory";
  return "";
}

std::string operator_steps::refuses(policies::authority needs) const {
  if (auto why = n_.situation.forbids(needs); !why.empty()) return why;
  if (n_.vm.operator_acts || n_.engine.acting()) return "another step is under way on this VM";
  return "";
}

asio::awaitable<std::expected<operator_steps::prepared, std::string>> operator_steps::prepare(
    operator_act asked) {
  if (find(asked.action)->remedy) {
    auto step = n_.rescue.remedy(asked.action);
    if (!step) co_return std::unexpected(std::move(step.error()));
    auto plan = co_await n_.rescue.plan(*step);
    co_return prepared{std::move(*step), std::move(plan)};
  }
  auto plan = co_await n_.stops.carry_out("plan", false, "");
  if (!plan) co_return std::unexpected(std::move(plan.error()));
  co_return prepared{core_step(asked),
                     {.sentence = in_words("plan", *plan), .preconditions = {}, .against = {}}};
}

asio::awaitable<operator_steps::result> operator_steps::act(operator_act asked, teller say) {
  if (auto why = unknown(asked); !why.empty()) co_return std::unexpected("refused: " + why);
  const auto of = n_.process.held;
  const auto ready = co_await prepare(asked);
  if (!ready) co_return std::unexpected("not done: " + ready.error());
  say(ready->plan);
  if (!ready->plan.against.empty()) co_return std::unexpected("refused: " + ready->plan.against);
  auto refused = refuses(ready->step.needs);
  if (of != n_.process.held || n_.process.gone)
    refused = "the process has ended, or another VM is behind the monitor";
  if (!refused.empty()) co_return std::unexpected("refused: " + refused);
  if (asked.plan_only) co_return "nothing was done; --yes does it";
  if (find(asked.action)->yes && !asked.yes)
    co_return std::unexpected(fmt::format("not done: {} takes --yes", asked.action));
  const mark until_done(n_.vm.operator_acts);  // from here on no policy acts
  auto done = co_await act_on_record(std::move(asked), ready->step);
  n_.vm.driver.wake_soon();
  co_return done;
}

/// The run in whose incident it goes on record: the one that was opened first, else one of its own.
std::string operator_steps::open_incident(const operator_act& asked) {
  if (!n_.incidents.none()) return n_.incidents.first_run();
  n_.incidents.open_for_operator(operators_run, fmt::format("An operator asked for {}.", asked.action));
  return operators_run;
}

asio::awaitable<act_outcome> operator_steps::carry_out(operator_act asked, policies::step s,
                                                       std::string incident) {
  if (find(asked.action)->remedy) co_return co_await n_.rescue.carry_out(asked.action, std::move(s));
  const auto done = co_await n_.stops.carry_out(asked.action, asked.with_ram, std::move(incident));
  if (!done) co_return act_outcome{"failed: " + done.error(), {}};
  co_return act_outcome{"done", {in_words(asked.action, *done)}};
}

asio::awaitable<operator_steps::result> operator_steps::act_on_record(operator_act asked, policies::step s) {
  const auto of = n_.process.held;
  const auto run = open_incident(asked);
  const auto action = s.action;
  const auto number = co_await n_.incidents.of(run)->intent_beside(on_record(s), intent_patience);
  const auto* open = n_.incidents.of(run);
  const auto incident = open != nullptr ? open->id() : std::string();
  const auto began = now();
  const auto done = of == n_.process.held ? co_await carry_out(asked, std::move(s), incident)
                                          : act_outcome{"failed: another VM is behind the monitor", {}};
  const auto took = std::chrono::duration_cast<milliseconds>(now() - began);
  const bool well = done.result == "done";
  const auto words = done.notes.empty() ? done.result : fmt::format("{}", fmt::join(done.notes, " "));
  const auto& shared = n_.vm.shared;
  if (shared.meter.step_ended) shared.meter.step_ended(action, done.result);
  shared.hub.publish("step", n_.vm.name, fmt::format("{} (operator): {}", action, well ? words : done.result),
                     {{"result", done.result}, {"policy", nullptr}});
  spdlog::warn("{}: operator: {}: {}", n_.vm.name, action, well ? words : done.result);
  if (find(asked.action)->remedy && was_tried(done)) n_.stall.note_tried(action);
  if (auto* recorder = n_.incidents.of(run); recorder != nullptr && recorder->id() == incident) {
    recorder->outcome_beside(number, done.result, took);
    for (const auto& note : done.notes) recorder->note(note);
    const char* const if_well = find(asked.action)->remedy ? "recovered" : "observed";
    if (run == operators_run)
      n_.incidents.carry_out(run, policies::close_incident{well ? if_well : "failed"});
  }
  if (!well) co_return std::unexpected(done.result);
  co_return words;
}

}  // namespace unwedge::watch
