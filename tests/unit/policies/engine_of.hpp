// The engine on a virtual clock: observations in, decisions out, each as one line.
#pragma once

#include "policies/engine.hpp"
#include "world.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace unwedge::policies::fake {

/// A decision as tests compare it.
std::string as_line(const decision&);

/// On a dead target, with all the evidence.
inline verdict hung() {
  return *judged(seen_for_three_seconds(held_by_migration()), mirroring());
}

inline verdict of(verdict_kind kind) {
  return {.kind = kind, .since = at(0), .at = at(3)};
}

inline const std::vector<policy> two_policies{
    {.name = "monitor-stall",
     .condition = condition_kind::monitor_stalled,
     .ladder = {{action_kind::yank_root}},
     .budget = {.per_vm = 100, .per_host = 100}},
    {.name = "process-gone", .condition = condition_kind::process_gone, .ladder = {{action_kind::report}}}};

/// Plays one VM's engine; a VM that hangs does so on a dead target.
class engine_of : public testing::Test {
 protected:
  std::vector<std::string> step(double second, bool alive, bool responsive, const verdict* v) {
    const vm_view view{.vm = vm_,
                       .io = io_,
                       .now = at(second),
                       .alive = alive,
                       .talking = responsive,
                       .settled = responsive,
                       .stall = v};
    std::vector<std::string> lines;
    for (const auto& d : engine_.step(look_at(view))) lines.push_back(as_line(d));
    return lines;
  }
  look look_at(const vm_view& view) {
    return {.view = view,
            .vm_name = "web01",
            .policies = policies_,
            .frame = frame_,
            .of_host = host_,
            .operator_acts = operator_acts_};
  }
  std::vector<std::string> stalls(double second, std::optional<verdict> v = hung()) {
    return step(second, true, false, v ? &*v : nullptr);
  }
  std::vector<std::string> answers(double second) { return step(second, true, true, nullptr); }
  std::vector<std::string> ends(double second) {
    const auto gone = of(verdict_kind::gone);
    return step(second, false, false, &gone);
  }
  void step_is(step_outcome outcome, double second) {
    engine_.step_done("monitor-stall", outcome, at(second), host_);
  }
  void resume(std::size_t taken, std::size_t on_record) {
    engine_.resume(two_policies[0], "",
                   {.begun = std::vector<policies::step>(taken), .on_record = on_record});
  }

  std::vector<policy> policies_ = two_policies;
  engine engine_;
  vm_model vm_ = mirroring();
  io_health io_;
  step_budget host_;
  action_frame frame_{.allowed = authority::protect};
  bool operator_acts_ = false;
};

}  // namespace unwedge::policies::fake
