// The part of a watcher that has things done to the VM's process from outside: for a policy, or for an
// operator who asked for it by name.
#include "daemon/coredump/core_filter.hpp"
#include "daemon/watch/vm_watcher.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>

namespace unwedge::watch {
namespace {

using std::chrono::milliseconds;
using said = std::expected<std::string, std::string>;

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
class under_way {
 public:
  explicit under_way(bool& flag) : flag_(flag) { flag_ = true; }
  ~under_way() { flag_ = false; }
  under_way(const under_way&) = delete;
  under_way& operator=(const under_way&) = delete;

 private:
  bool& flag_;
};

policies::step step_of(const vm_watcher::operator_act& asked) {
  policies::step s{.action = asked.action, .needs = policies::needed_for(find(asked.action)->kind)};
  s.arguments["asked_by"] = "operator";
  if (asked.with_ram) s.arguments["with_ram"] = true;
  return s;
}

}  // namespace

/// The stacks of a stall are taken at the same moment as its first step. False: it takes longer than it may.
asio::awaitable<bool> vm_watcher::inspection_is_over() {
  const auto until = now() + shared_.settings->inspect.deadline + milliseconds(500);
  asio::steady_timer pause(shared_.executor);
  while (inspecting_ && now() < until && !stopping_) {
    pause.expires_after(milliseconds(10));
    co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  co_return !inspecting_;
}

asio::awaitable<cores::answer> vm_watcher::do_to_process(std::string action, bool with_ram,
                                                         std::string incident) {
  if (shared_.cores == nullptr) co_return std::unexpected("no process is looked into from outside");
  if (!process_ || gone_) co_return std::unexpected("the process is not known, or has ended");
  const bool stops = action == "core" || action == "abort";
  const auto of = process_;
  if (stops && !co_await inspection_is_over()) co_return std::unexpected("its threads are being stopped already");
  if (of != process_ || gone_) co_return std::unexpected("the process has ended");
  if (stops) {  // a sample meanwhile would show our stops, and one afterwards their traces
    inspecting_ = true;
    traces_.begin();
    undisturbed_until_ = now() + shared_.settings->core.max_stop;
  }
  auto done = co_await shared_.cores->carry_out({.order = std::move(action),
                                                 .of = of,
                                                 .vm = name_,
                                                 .incident = std::move(incident),
                                                 .with_ram = with_ram,
                                                 .bounds = shared_.settings->core});
  if (stops) {
    inspecting_ = false;
    undisturbed_until_ = {};
    if (of == process_) traces_.end(now());
  }
  co_return done;
}

/// What ends a VM is decided once more with a fresh sample: the same kind of wait, at the same root.
asio::awaitable<std::string> vm_watcher::same_verdict_again() {
  if (!verdict_) co_return "refused: there is no verdict";
  const auto before = *verdict_;
  const auto process = process_;
  if (!process) co_return "refused: the process is not known";
  auto facts = co_await sample_process();
  if (process != process_ || !facts.alive || !process->alive()) co_return "refused: the process has ended";
  use(std::move(facts));
  const auto again = suspicion_.judge(vm_, shared_.settings->probe);
  const auto root = [](const policies::verdict& v) { return v.root ? v.root->name : std::string(); };
  if (!again || again->kind != before.kind || root(*again) != root(before))
    co_return "refused: at the last look the wait was no longer there";
  co_return "";
}

/// A policy's step; its intent is on record.
asio::awaitable<std::string> vm_watcher::perform_on_process(std::string run, policies::step s) {
  if (operator_acts_) co_return "refused: a step that the operator asked for is under way";
  if (s.action == "abort") {
    if (auto changed = co_await same_verdict_again(); !changed.empty()) co_return changed;
  }
  const auto of = process_;
  const auto seen = view(now());
  const auto set_by = frame();
  if (!engine_.confirms(run, s, look(seen, set_by)))
    co_return "refused: at the last look it was another situation";
  const auto* record = recorder_of(run);
  const auto incident = record != nullptr ? record->id() : std::string();
  const auto done = co_await do_to_process(s.action, false, incident);
  if (!done) co_return (s.action == "flag-core" ? "refused: " : "failed: ") + done.error();
  if (of != process_) co_return "done";
  carry_out(run, policies::add_note{in_words(s.action, *done)});
  co_return "done";
}

std::string vm_watcher::refuses_operator(const operator_act& asked) const {
  const auto* what = find(asked.action);
  if (what == nullptr)
    return fmt::format("no action \"{}\"; there are flag-core, core and abort", asked.action);
  const auto needs = policies::needed_for(what->kind);
  const auto f = frame();
  if (!process_ || gone_) return "its process is not known, or has ended";
  if (asked.with_ram && what->kind == policies::action_kind::core)
    return "a core of a running VM never holds its guest's memory";
  if (f.allowed < needs)
    return fmt::format("{} needs the authority {}, and this VM's is {}", asked.action, to_string(needs),
                       to_string(f.allowed));
  if (f.dry_run) return "a dry run: nothing is done";
  if (!f.held.empty()) return fmt::format("the VM is held ({}); unwedgectl release ends that", f.held);
  if (operator_acts_ || engine_.acting()) return "another step is under way on this VM";
  return "";
}

asio::awaitable<said> vm_watcher::act_for_operator(operator_act asked, std::function<void(std::string)> say) {
  const auto self = shared_from_this();
  if (auto why = refuses_operator(asked); !why.empty()) co_return std::unexpected("refused: " + why);
  const auto of = process_;
  const auto plan = co_await do_to_process("plan", false, "");
  if (!plan) co_return std::unexpected("failed: " + plan.error());
  say(in_words("plan", *plan));
  if (find(asked.action)->yes && !asked.yes)
    co_return std::unexpected(fmt::format("not done: {} takes --yes", asked.action));
  // It took a moment: whatever stood in the way then may do so now.
  if (auto why = refuses_operator(asked); !why.empty()) co_return std::unexpected("refused: " + why);
  if (of != process_) co_return std::unexpected("refused: another VM is behind the monitor");
  const under_way mark(operator_acts_);
  auto result = co_await record_for_operator(std::move(asked));
  wake_soon();
  co_return result;
}

/// The run in whose incident it goes on record: the one that was opened first, else one of its own.
std::string vm_watcher::open_for_operator(const operator_act& asked) {
  const auto first = std::ranges::min_element(records_, {}, [](const auto& r) { return r.second.since; });
  if (first != records_.end()) return first->first;
  begin_record(operators_run, operators_run)
      .recorder.open({.vm = name_,
                      .condition = operators_run,
                      .policy = "",
                      .subject = "",
                      .why = fmt::format("An operator asked for {}.", asked.action),
                      .pid = process_->pid(),
                      .started = process_->start_time(),
                      .verdict = nullptr});
  return operators_run;
}

asio::awaitable<said> vm_watcher::record_for_operator(operator_act asked) {
  const auto of = process_;
  const auto run = open_for_operator(asked);
  const auto s = step_of(asked);
  const auto number = co_await recorder_of(run)->intent_beside(s, intent_patience);
  const auto* open = recorder_of(run);
  const auto incident = open != nullptr ? open->id() : std::string();
  const auto began = now();
  auto done = of == process_ ? co_await do_to_process(asked.action, asked.with_ram, incident)
                             : cores::answer(std::unexpected("another VM is behind the monitor"));
  const auto took = std::chrono::duration_cast<milliseconds>(now() - began);
  const std::string result = done ? "done" : "failed: " + done.error();
  const auto words = done ? in_words(asked.action, *done) : result;
  if (shared_.meter.step_ended) shared_.meter.step_ended(asked.action, result);
  shared_.hub.publish("step", name_, fmt::format("{} (operator): {}", asked.action, words),
                      {{"result", result}, {"policy", nullptr}});
  spdlog::warn("{}: operator: {}: {}", name_, asked.action, words);
  if (auto* recorder = recorder_of(run); recorder != nullptr && recorder->id() == incident) {
    recorder->outcome_beside(number, result, took);
    if (done) recorder->note(words);
    if (run == operators_run) carry_out(run, policies::close_incident{done ? "observed" : "failed"});
  }
  if (!done) co_return std::unexpected(result);
  co_return words;
}

bool vm_watcher::core_flagged() const {
  return process_ && !gone_ && coredump::is_flagged(*process_);
}

}  // namespace unwedge::watch
