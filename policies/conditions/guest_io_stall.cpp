#include "policies/conditions/conditions.hpp"
#include "policies/sentence.hpp"
#include "qmp/printable.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace unwedge::policies::holds {

void guest_io_stall(const vm_view& view, conditions& out) {
  for (const auto& disk : view.io.stalled_disks(view.vm, view.now)) {
    out.push_back({.kind = condition_kind::guest_io_stall,
                   .subject = disk.node,
                   .state = "",
                   .since = disk.since,
                   .why = {}});
  }
}

}  // namespace unwedge::policies::holds

namespace unwedge::policies::why_holds {

std::string guest_io_stall(const condition& c, const vm_view& view) {
  const auto disks = view.io.stalled_disks(view.vm, view.now);
  const auto disk = std::ranges::find(disks, c.subject, &io_health::disk::node);
  if (disk == disks.end()) return {};
  return fmt::format("The guest's disk \"{}\" ({}) has not answered for {}, while QMP does.",
                     qmp::printable(disk->node), qmp::printable(disk->where), in_words(view.now - c.since));
}

}  // namespace unwedge::policies::why_holds
