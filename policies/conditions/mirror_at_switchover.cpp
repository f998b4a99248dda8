#include "policies/conditions/conditions.hpp"
#include "policies/guard/copies.hpp"
#include "qmp/printable.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace unwedge::policies {
namespace {

std::string sentence_of(const copy& c, std::string_view status) {
  const auto id = qmp::printable(c.job);
  switch (c.state) {
    case copy_state::copying:
      return fmt::format("A migration runs ({}) while mirror {} still copies.", status, id);
    case copy_state::ready:
      return fmt::format("A migration runs ({}) with mirror {} READY and not concluded.", status, id);
    case copy_state::broken:
      return fmt::format("A migration runs ({}) although mirror {} failed ({}): its target is not whole.",
                         status, id, qmp::printable(c.error));
    case copy_state::concluding:
    case copy_state::whole:
      break;
  }
  return "";
}

}  // namespace

namespace holds {

/// On the source only: a destination's migration is "active", too, while its own jobs are none of this one's.
void mirror_at_switchover(const vm_view& view, conditions& out) {
  const auto& m = view.vm.migration;
  if (!m || !is_running(*m) || in_postcopy(*m) || view.vm.run_state == "inmigrate") return;
  for (const auto& c : copies(view.vm, view.now)) {
    if (c.state == copy_state::concluding || c.state == copy_state::whole) continue;
    out.push_back({.kind = condition_kind::mirror_at_switchover,
                   .subject = std::string(c.job),
                   .state = c.state == copy_state::ready     ? "ready"
                            : c.state == copy_state::copying ? "not-ready"
                                                             : "failed",
                   .since = std::max(m->began, c.details != nullptr ? c.details->since : m->began),
                   .why = {}});
  }
}

}  // namespace holds
}  // namespace unwedge::policies

namespace unwedge::policies::why_holds {

std::string mirror_at_switchover(const condition& c, const vm_view& view) {
  if (!view.vm.migration) return {};
  const auto all = copies(view.vm, view.now);
  const auto of_it = std::ranges::find(all, c.subject, &copy::job);
  return of_it == all.end() ? "" : sentence_of(*of_it, view.vm.migration->status);
}

}  // namespace unwedge::policies::why_holds
