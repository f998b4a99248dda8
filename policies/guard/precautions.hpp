// What the switchover guard sets in QEMU while mirrors run, before any migration: pause-before-switchover, so
// that one waits, and the brake, so that it does not come that far. Knows what is set, also what an earlier
// run of the daemon has left, and takes it back. A pure state machine; part of the switchover guard.
#pragma once

#include "policies/guard/brake.hpp"
#include "policies/guard/situation.hpp"

#include <optional>
#include <string>
#include <vector>

namespace unwedge::policies::guard {

class precautions {
 public:
  /// A look at a VM that does not migrate, and talks: what should be set now, or taken back.
  void prepare(const situation&, std::vector<decision>& out);
  /// Likewise, also while another run acts: once mirrors are watched again, those before matter no more.
  void look_for_mirrors(const situation&);
  /// The outcome of a set_precaution.
  void done(const step&, bool accepted, instant now);

  /// pause-before-switchover is on, and it was us.
  bool armed_by_us(const vm_model&) const;
  /// The guest would stand still, or a migration crawl, if nobody went on.
  bool bind(const vm_model& vm) const { return armed_by_us(vm) || brake_.left_something(vm); }
  /// Something is set, or was asked for.
  bool any() const { return asked_to_arm_ || brake_.before(); }
  /// Whoever acts during a migration tells it what it pressed and released.
  brake& by_brake() { return brake_; }
  const brake& by_brake() const { return brake_; }

  /// An earlier run guarded: how mirrors ended meanwhile nobody has seen.
  bool mirrors_unseen() const { return mirrors_unseen_; }
  /// And it had begun to cancel a migration for them.
  bool meant_to_cancel() const { return meant_to_cancel_; }

  /// All that must be taken back when the daemon ends, in order.
  std::vector<step> to_take_back(const vm_model&) const;
  void taken_back();

  /// See switchover_guard.
  std::optional<boost::json::object> left_in_qemu() const;
  void remember(const boost::json::object& left);
  /// What an earlier run has left without a word of it.
  void adopt_leftover(const vm_model&);
  /// The steps that an earlier run had begun in its incident.
  void resume(const std::vector<step>& begun);

 private:
  void hold_back_if_doubtful(const situation&, std::vector<decision>& out);
  void take_back(const situation&, const std::string& why, std::vector<decision>& out);
  void ask(step, std::string why, instant now, std::vector<decision>& out);

  brake brake_;
  bool asked_to_arm_ = false;  ///< we switched pause-before-switchover on, for the mirrors that run now
  int under_way_ = 0, refused_ = 0;
  instant next_{};  ///< not before then, after refusals
  bool mirrors_unseen_ = false;
  std::optional<instant> unseen_since_;
  bool meant_to_cancel_ = false;
  bool remembered_ = false;  ///< what it had set, and whether it still is has not been looked at
};

}  // namespace unwedge::policies::guard
