#include "policies/guard/choreography.hpp"

#include "policies/actions.hpp"
#include "policies/guard/commands.hpp"
#include "policies/sentence.hpp"
#include "qmp/printable.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace unwedge::policies::guard {
namespace {

bool tried(const step& s, const so_far& so) {
  return std::ranges::find(so.tried, s) != so.tried.end();
}

std::string broken_sentence(const copy& c) {
  return fmt::format("mirror {} failed ({}): the destination's disk is not whole", qmp::printable(c.job),
                     qmp::printable(c.error));
}

std::optional<wish> press_brake(const situation& s, const so_far& so, std::string why) {
  // What the migration's owner set just before it began must be known, or it would be lost.
  if (s.vm.migrates_with.parameters_at < s.vm.migration->began) return std::nullopt;
  auto press = so.by_brake.press(s.vm);
  if (!press) return std::nullopt;
  return wish{std::move(*press), std::move(why)};
}

std::optional<wish> release_brake(const situation& s, const so_far& so, std::string why) {
  auto release = so.by_brake.release(s.vm);
  if (!release) return std::nullopt;
  return wish{std::move(*release), std::move(why)};
}

/// Nothing is concluded from an empty list, nor from a whole one that a cancel of an earlier run contradicts.
bool ended_unseen(const situation& s, const so_far& so) {
  return so.mirrors_unseen && (s.all.empty() || so.meant_to_cancel);
}

wish cancel_unseen() {
  return {cancel_migration(), "how its mirrors ended was not seen"};
}

std::optional<wish> while_active(const situation& s, const so_far& so) {
  if (const auto* c = s.first(copy_state::broken)) return wish{cancel_migration(), broken_sentence(*c)};
  if (ended_unseen(s, so)) return cancel_unseen();
  if (const auto* c = s.dead()) {
    return wish{.step = cancel_migration(),
                .why = fmt::format("the target of mirror {} is dead: the switchover would hang",
                                   qmp::printable(c->job)),
                .of_silence = true};
  }
  const bool copying = s.first(copy_state::copying) != nullptr;
  const bool holds_back = so.by_brake.holds_back(s.vm);
  if (!holds_back && copying)
    return press_brake(s, so, "it must not come to its switchover while a mirror still copies");
  if (!holds_back && s.doubtful())
    return press_brake(s, so,
                       "a target owes an answer: it must not come to its switchover before that is there");
  if (!copying && (!holds_back || s.targets_answer())) {
    return release_brake(
        s, so, s.all.empty() ? "no mirror is left" : "its mirrors are READY, and their targets answer");
  }
  const auto bound = s.in.by.guard.hold_for;
  if (!holds_back || s.in.view.now - s.vm.migration->began < bound) return std::nullopt;
  return wish{cancel_migration(), fmt::format("its mirrors were not READY within {}", in_words(bound))};
}

std::optional<wish> at_pre_switchover(const situation& s, const so_far& so) {
  if (!so.ours_to_drive) return std::nullopt;
  if (ended_unseen(s, so)) return cancel_unseen();
  if (const auto* c = s.first(copy_state::broken)) return wish{cancel_migration(), broken_sentence(*c)};
  if (s.all_are({copy_state::whole})) {  // or there is none
    if (!so.ours_to_end) return std::nullopt;
    return wish{continue_migration(),
                s.all.empty() ? "no mirror is left" : "its mirrors concluded without error"};
  }
  // While the host starves silence means nothing; the guest must not stand still for that.
  if (auto yank = yank_dead_target(s, so); yank && s.in.frame.host_starved.empty()) return yank;
  for (const auto& c : s.all) {
    auto step = conclude(c.job);
    if (c.state == copy_state::ready && !tried(step, so))
      return wish{std::move(step), fmt::format("mirror {} is READY", qmp::printable(c.job))};
  }
  if (s.stopped_for() < s.in.by.guard.stopped_for) return std::nullopt;
  return wish{cancel_migration(),
              fmt::format("the guest has stood still for {}, and its mirrors are not done",
                          in_words(s.stopped_for()))};
}

}  // namespace

std::optional<wish> yank_dead_target(const situation& s, const so_far& so) {
  for (const auto& c : s.all) {
    if (!s.is_dead(c)) continue;
    const auto plan = yank_target(c.job, s.in.view);
    if (plan.ladder.empty() || tried(plan.ladder.front(), so)) continue;
    return wish{.step = plan.ladder.front(),
                .why = fmt::format("the target of mirror {} is dead", qmp::printable(c.job)),
                .of_silence = true};
  }
  return std::nullopt;
}

std::optional<wish> next_wish(const situation& s, const so_far& so) {
  // Its cancel may hang the main loop (7.2 drains in its cleanup): the yank goes out of band and must not
  // wait.
  if (so.cancelled_for_dead) return yank_dead_target(s, so);
  if (!s.in.view.talking) return std::nullopt;
  if (s.at_pre_switchover()) return at_pre_switchover(s, so);
  if (s.before_the_switchover()) return while_active(s, so);
  return std::nullopt;  // cancelling, device: nothing can be done any more
}

bool still_right(const step& step, const situation& s, const so_far& so) {
  if (step.action == "yank") {
    if (!s.at_pre_switchover() && !so.cancelled_for_dead) return false;
    return std::ranges::any_of(s.all, [&](const copy& c) {
      if (!s.is_dead(c)) return false;
      const auto plan = yank_target(c.job, s.in.view);
      return !plan.ladder.empty() && plan.ladder.front() == step;
    });
  }
  if (brake::is_release(step)) return true;
  if (!s.migrates()) return false;
  if (brake::is_press(step)) return s.before_the_switchover();
  if (step.action == "migrate-continue") {
    return s.at_pre_switchover() && so.ours_to_end && s.all_are({copy_state::whole}) && !ended_unseen(s, so);
  }
  if (step.action == "block-job-cancel") {
    return s.at_pre_switchover() && std::ranges::any_of(s.all, [&](const copy& c) {
             return c.state == copy_state::ready && conclude(c.job) == step;
           });
  }
  return step.action == "migrate_cancel" && !past_the_switchover(s.vm) && !in_postcopy(*s.vm.migration);
}

}  // namespace unwedge::policies::guard
