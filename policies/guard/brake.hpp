// Slows a migration down so far that it cannot come to its switchover, and lets it go again with the
// parameters that it had before. Pressed in advance, while a mirror runs and no migration does: that of an
// idle guest takes milliseconds, less than any event needs to reach us. Pure; part of the switchover guard.
#pragma once

#include "policies/remedy.hpp"
#include "policies/vm_model.hpp"

#include <optional>

namespace unwedge::policies::guard {

/// The bandwidth of a migration that is held. An odd number, so that one left behind can be recognised.
inline constexpr std::int64_t held_bandwidth = 1'013;

class brake {
 public:
  /// It holds migrations back, as far as is known: whoever set the bandwidth anew has released it.
  bool holds_back(const vm_model&) const;
  /// Something that it set is in force still; others may have set the rest anew.
  bool left_something(const vm_model& vm) const { return release(vm).has_value(); }

  /// The command that presses it, with what takes it back as its undo. nullopt: the parameters are not known.
  std::optional<step> press(const vm_model&) const;

  /// The command that releases it: what is still as we set it goes back to what it was. nullopt: nothing is.
  std::optional<step> release(const vm_model&) const;

  void was_pressed(boost::json::object before, instant now);
  void was_released() { before_.reset(); }

  /// True if the parameters are those that a run of ours left behind of which nothing is on record. What they
  /// were before is lost: they will go back to QEMU's defaults.
  bool adopts_leftover(const vm_model&);

  /// The parameters to go back to; nullopt: it was not pressed.
  const std::optional<boost::json::object>& before() const { return before_; }

  static bool is_press(const step& s) { return s.action == "migrate-set-parameters" && !s.undo.empty(); }
  static bool is_release(const step& s) { return s.action == "migrate-set-parameters" && s.undo.empty(); }

 private:
  std::optional<boost::json::object> before_;
  instant at_{};
};

}  // namespace unwedge::policies::guard
