#include "policies/conditions/conditions.hpp"
#include "policies/sentence.hpp"

#include <fmt/format.h>

namespace unwedge::policies::holds {
namespace {

constexpr std::chrono::seconds least{10};  ///< younger than this it is just a slow pass
constexpr std::int64_t passes = 2;

}  // namespace

/// By iteration: two more passes over the memory, and no less remains than before. By time: nothing at all
/// got less for a while, which a stream that stands still shows as well.
void migration_no_progress(const vm_view& view, conditions& out) {
  const auto& m = view.vm.migration;
  if (!m || m->status != "active" || !m->best_remaining || view.now - m->best_at < least) return;
  const auto more = m->iterations.value_or(0) - m->best_iteration;
  out.push_back({.kind = condition_kind::migration_no_progress,
                 .subject = "",
                 .state = more >= passes ? "not-converging" : "standing",
                 .since = m->best_at,
                 .why = {}});
}

}  // namespace unwedge::policies::holds

namespace unwedge::policies::why_holds {

std::string migration_no_progress(const condition& c, const vm_view& view) {
  const auto& m = view.vm.migration;
  if (!m || !m->best_remaining) return {};
  return fmt::format(
      "The migration has got no nearer to its end for {}, over {} passes: at best {} MiB remained.",
      in_words(view.now - c.since), m->iterations.value_or(0) - m->best_iteration, *m->best_remaining >> 20);
}

}  // namespace unwedge::policies::why_holds
