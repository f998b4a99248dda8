#include "policies/conditions/conditions.hpp"
#include "policies/sentence.hpp"

#include <fmt/format.h>

namespace unwedge::policies::holds {
namespace {

constexpr std::chrono::seconds least{10};  ///< younger than this it is just a slow pass
constexpr std::int64_t passes = 2;

}  // namespace

/// By iteration: two more passes over the memory, and none began with less than before. By time: nothing at
/// all was transferred for a while.
void migration_no_progress(const vm_view& view, conditions& out) {
  const auto& m = view.vm.migration;
  if (!m || m->status != "active" || !m->best_remaining) return;
  const bool stands = view.now - m->moved_at >= least;
  const bool diverges =
      m->iterations.value_or(0) - m->best_iteration >= passes && view.now - m->best_at >= least;
  if (!stands && !diverges) return;
  out.push_back({.kind = condition_kind::migration_no_progress,
                 .subject = "",
                 .state = stands ? "standing" : "not-converging",
                 .since = stands ? m->moved_at : m->best_at,
                 .why = {}});
}

}  // namespace unwedge::policies::holds

namespace unwedge::policies::why_holds {

std::string migration_no_progress(const condition& c, const vm_view& view) {
  const auto& m = view.vm.migration;
  if (!m || !m->best_remaining) return {};
  if (c.state == "standing")
    return fmt::format("Nothing of the migration was transferred for {}.", in_words(view.now - c.since));
  return fmt::format(
      "The migration has got no nearer to its end for {}, over {} passes: at best one began with {} MiB.",
      in_words(view.now - c.since), m->iterations.value_or(0) - m->best_iteration, *m->best_remaining >> 20);
}

}  // namespace unwedge::policies::why_holds
