#include "policies/guard/brake.hpp"

namespace unwedge::policies::guard {
namespace {

using boost::json::object;

/// QEMU's own defaults (migration/options.c).
object usual(const migration_settings& m) {
  object o{{"max-bandwidth", 134'217'728}, {"downtime-limit", 300}};
  if (!m.zero_page_detection.empty()) o["zero-page-detection"] = "multifd";
  return o;
}

/// Lower than any migration can use, and no downtime is short enough. On 7.2 zero pages cost nine bytes each;
/// from 9.0 on they are not even counted until a buffer is full, so they are sent as pages for the time
/// being.
object held(const migration_settings& m) {
  object o{{"max-bandwidth", held_bandwidth}, {"downtime-limit", 0}};
  if (!m.zero_page_detection.empty()) o["zero-page-detection"] = "none";
  return o;
}

object now_set(const migration_settings& m) {
  object o{{"max-bandwidth", m.max_bandwidth.value_or(0)},
           {"downtime-limit", m.downtime_limit.value_or(300)}};
  if (!m.zero_page_detection.empty()) o["zero-page-detection"] = m.zero_page_detection;
  return o;
}

step set(object parameters, object undo) {
  return {.action = "migrate-set-parameters",
          .arguments = std::move(parameters),
          .undo = std::move(undo),
          .urgent = true};
}

}  // namespace

bool brake::holds_back(const vm_model& vm) const {
  if (!before_) return false;
  const auto& m = vm.migrates_with;
  return m.parameters_at <= at_ || m.max_bandwidth == held_bandwidth;
}

std::optional<step> brake::press(const vm_model& vm) const {
  const auto& m = vm.migrates_with;
  if (!m.max_bandwidth) return std::nullopt;
  auto ours = held(m);
  auto undo = now_set(m);
  for (auto& [name, value] : undo) {
    const auto* mine = ours.if_contains(name);
    if (mine == nullptr || *mine != value) continue;
    const auto earlier = before_ ? *before_ : usual(m);
    if (const auto* first = earlier.if_contains(name)) value = *first;
  }
  return set(std::move(ours), std::move(undo));
}

std::optional<step> brake::release(const vm_model& vm) const {
  if (!before_) return std::nullopt;
  auto back = *before_;
  if (vm.migrates_with.parameters_at > at_) {  // somebody may have set some of them since: those stay
    const auto ours = held(vm.migrates_with);
    const auto now = now_set(vm.migrates_with);
    for (const auto& [name, value] : now) {
      const auto* mine = ours.if_contains(name);
      if (mine == nullptr || *mine != value) back.erase(name);
    }
  }
  if (back.empty()) return std::nullopt;
  return set(std::move(back), {});
}

void brake::was_pressed(object before, instant now) {
  before_ = std::move(before);
  at_ = now;
}

bool brake::adopts_leftover(const vm_model& vm) {
  const auto& m = vm.migrates_with;
  if (before_ || m.max_bandwidth != held_bandwidth) return false;
  was_pressed(usual(m), m.parameters_at);
  return true;
}

}  // namespace unwedge::policies::guard
