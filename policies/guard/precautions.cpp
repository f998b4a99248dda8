#include "policies/guard/precautions.hpp"

#include "policies/guard/commands.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace unwedge::policies::guard {
namespace {

/// After a restart, for mirrors that may have ended while no daemon ran: as long as their failure would
/// matter.
constexpr std::chrono::minutes unseen_for{1};
constexpr std::chrono::seconds first_retry{2}, last_retry{64};

}  // namespace

void precautions::look_for_mirrors(const situation& s) {
  if (!mirrors_unseen_) return;
  if (!unseen_since_) unseen_since_ = s.in.view.now;
  const bool watched_again = mirrors(s.vm) && !meant_to_cancel_;
  if (watched_again || s.in.view.now - *unseen_since_ >= unseen_for)
    mirrors_unseen_ = meant_to_cancel_ = false;
}

/// Only while a mirror runs, or has just failed: with the capability on, each migration needs somebody to
/// continue it. Asked once for each time that mirrors run: a manager that switches it off again (Proxmox) has
/// its reasons.
void precautions::prepare(const situation& s, std::vector<decision>& out) {
  const auto& in = s.in;
  if (under_way_ > 0 || in.view.now < next_) return;
  const bool completed = s.vm.migration && std::string_view(s.vm.migration->status) == "completed";
  const bool moved_away = completed && std::string_view(s.vm.run_state) != "running";
  const bool matter = !moved_away && (mirrors(s.vm) || s.first(copy_state::broken) != nullptr);
  if (!matter && !moved_away && mirrors_unseen_ && asked_to_arm_) return;  // its migration may begin yet
  if (!matter) return take_back(s, "no mirror runs any more", out);
  if (s.vm.libvirt) return take_back(s, "libvirt guards its own switchovers", out);
  if (const auto why_not = operator_forbids(in.frame, in.by, in.by.needs); !why_not.empty())
    return take_back(s, why_not, out);
  const auto& is = s.vm.migrates_with.pause_before_switchover;
  if (!is || !(asked_to_arm_ || s.settings_are_fresh())) return;
  if (std::exchange(remembered_, false) && !*is) asked_to_arm_ = false;  // it was taken back meanwhile
  if (*is && !asked_to_arm_) return hold_back_if_doubtful(s, out);       // left to whoever set it
  constexpr auto why = "a mirror runs: a migration must not complete before it is done";
  if (!std::exchange(asked_to_arm_, true)) ask(set_capabilities(true), why, in.view.now, out);
  if (brake_.holds_back(s.vm)) return;
  if (auto press = brake_.press(s.vm)) ask(std::move(*press), why, in.view.now, out);
}

/// A manager that guards its switchovers itself migrates when its mirrors are READY; with a target that is
/// dead by then the switchover hangs before it can do anything.
void precautions::hold_back_if_doubtful(const situation& s, std::vector<decision>& out) {
  if (!s.doubtful()) return take_back(s, "the targets of its mirrors answer", out);
  if (brake_.holds_back(s.vm)) return;
  if (auto press = brake_.press(s.vm))
    ask(std::move(*press), "the target of a mirror may be dead: its switchover would hang", s.in.view.now,
        out);
}

void precautions::take_back(const situation& s, const std::string& why, std::vector<decision>& out) {
  for (auto& step : to_take_back(s.vm)) ask(std::move(step), why, s.in.view.now, out);
  brake_.was_released();
  if (!armed_by_us(s.vm)) asked_to_arm_ = false;
}

void precautions::ask(step s, std::string why, instant now, std::vector<decision>& out) {
  if (brake::is_press(s)) brake_.was_pressed(s.undo, now);
  ++under_way_;
  out.push_back({"", set_precaution{std::move(s), std::move(why)}});
}

void precautions::done(const step& s, bool accepted, instant now) {
  --under_way_;
  if (accepted) {
    refused_ = 0;
    return;
  }
  if (brake::is_release(s)) brake_.was_pressed(s.arguments, now);
  next_ = now + std::min<duration>(last_retry, first_retry * (1 << std::min(refused_++, 5)));
}

bool precautions::armed_by_us(const vm_model& vm) const {
  return asked_to_arm_ && vm.migrates_with.pause_before_switchover.value_or(false);
}

std::vector<step> precautions::to_take_back(const vm_model& vm) const {
  std::vector<step> out;
  const bool runs = vm.migration && is_running(*vm.migration);
  if (runs && armed_by_us(vm) && !in_postcopy(*vm.migration) && !past_the_switchover(vm))
    out.push_back(cancel_migration());
  if (auto release = brake_.release(vm)) out.push_back(std::move(*release));
  if (armed_by_us(vm)) out.push_back(set_capabilities(false));
  return out;
}

void precautions::taken_back() {
  asked_to_arm_ = false;
  brake_.was_released();
}

std::optional<boost::json::object> precautions::left_in_qemu() const {
  if (!any()) return std::nullopt;
  return boost::json::object{
      {"armed", asked_to_arm_},
      {"before", brake_.before() ? boost::json::value(*brake_.before()) : boost::json::value(nullptr)}};
}

void precautions::remember(const boost::json::object& left) {
  const auto* armed = left.if_contains("armed");
  const auto* before = left.if_contains("before");
  asked_to_arm_ = armed != nullptr && armed->is_bool() && armed->get_bool();
  if (before != nullptr && before->is_object()) brake_.was_pressed(before->get_object(), {});
  mirrors_unseen_ = remembered_ = true;
}

void precautions::adopt_leftover(const vm_model& vm) {
  if (under_way_ == 0 && brake_.adopts_leftover(vm)) asked_to_arm_ = mirrors_unseen_ = true;
}

void precautions::resume(const std::vector<step>& begun) {
  mirrors_unseen_ = true;
  for (const auto& s : begun) {
    if (brake::is_press(s) && !brake_.before()) brake_.was_pressed(s.undo, {});
    if (s == cancel_migration()) meant_to_cancel_ = true;
  }
}

}  // namespace unwedge::policies::guard
