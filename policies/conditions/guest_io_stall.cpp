#include "policies/conditions/conditions.hpp"
#include "policies/sentence.hpp"
#include "qmp/printable.hpp"

#include <fmt/format.h>

namespace unwedge::policies::holds {

conditions guest_io_stall(const vm_view& view) {
  conditions out;
  for (const auto& disk : view.io.stalled_disks(view.vm, view.now)) {
    out.push_back({.kind = condition_kind::guest_io_stall,
                   .subject = disk.node,
                   .state = "",
                   .since = disk.since,
                   .why = fmt::format("The guest's disk \"{}\" ({}) has not answered for {}, while QMP does.",
                                      qmp::printable(disk.node), qmp::printable(disk.where),
                                      in_words(view.now - disk.since))});
  }
  return out;
}

}  // namespace unwedge::policies::holds
