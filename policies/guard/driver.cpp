#include "policies/guard/driver.hpp"

#include "policies/guard/commands.hpp"

#include <algorithm>

namespace unwedge::policies::guard {
namespace {

/// Of a manager that guards its switchovers itself, after we armed as well: by the event, or polling once a
/// second. The guest stands still for it.
constexpr std::chrono::milliseconds reaction_time{1'500};

bool concluded_by_us(const copy& c, const own_part& own) {
  return std::ranges::find(own.tried, conclude(c.job)) != own.tried.end();
}

/// A mirror concludes while the guest stands still, and it was not we who asked for it.
bool another_drives(const situation& s, const own_part& own) {
  return std::ranges::any_of(s.all, [&](const copy& c) {
    const bool ended = c.state == copy_state::concluding || c.state == copy_state::whole;
    return ended && c.since >= s.vm.migration->since && !concluded_by_us(c, own);
  });
}

}  // namespace

bool ours_to_drive(const situation& s, const own_part& own) {
  if (std::ranges::any_of(s.all, [&](const copy& c) { return concluded_by_us(c, own); })) return true;
  const bool known_manager = s.vm.libvirt || another_drives(s, own);
  const bool ours = (own.took_up || own.armed) && !known_manager;
  return ours ? s.stopped_for() >= reaction_time : s.quiet_for() >= s.in.by.guard.manager_grace;
}

bool ours_to_end(const situation& s, const own_part& own) {
  if (own.armed) return true;
  return !s.all.empty() && std::ranges::all_of(s.all, [&](const copy& c) { return concluded_by_us(c, own); });
}

}  // namespace unwedge::policies::guard
