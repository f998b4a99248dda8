#include "daemon/bundle/readme.hpp"

#include <fmt/format.h>

#include <array>

namespace unwedge::bundle {
namespace {

struct purpose {
  std::string_view beginning;  ///< of the name
  std::string_view text;
};

// The first that fits; docs/incidents.md says more of each.
constexpr std::array purposes{
    purpose{"README.txt", "This text."},
    purpose{"report.txt", "The incident for people, as `unwedgectl incident` shows it: begin here."},
    purpose{"journal.jsonl",
            "What happened, a JSON object a line, written as it happened: the onset, "
            "each verdict, each step before it was taken and what came of it, the end."},
    purpose{"evidence.json",
            "The last samples of the process (threads, what they wait for, locks and "
            "their owners, sockets, I/O), its jobs, its migration and its last events."},
    purpose{"qmp-history-at-close.json", "The monitor's last messages at the end of the incident."},
    purpose{"qmp-history.json", "The monitor's last messages, sent and received, shortened."},
    purpose{"host.json",
            "The host at the onset (kernel, load, pressure, memory, the daemon's own "
            "lateness), QEMU's program and command line, the authority and policy in force."},
    purpose{"stacks", "The stacks of all threads, with the versions of the program and its libraries."},
    purpose{"core",
            "A core file of QEMU. Guest memory is left out of it, but what QEMU itself held, "
            "guest data in flight included, may be in it: do not publish it."},
};

}  // namespace

std::string_view purpose_of(std::string_view name) {
  for (const auto& p : purposes) {
    if (name.starts_with(p.beginning)) return p.text;
  }
  return "Put beside the journal by the daemon.";
}

std::string readme(std::string_view id, const std::vector<std::string>& names,
                   const std::vector<left_out_file>& left_out) {
  auto out = fmt::format("Incident {}, as unwedged recorded it.\n\n", id);
  for (const auto& name : names) out += fmt::format("{}\n    {}\n", name, purpose_of(name));
  if (!left_out.empty()) out += "\nNot in this bundle:\n\n";
  for (const auto& file : left_out) out += fmt::format("{}\n    {}\n", file.name, file.why);
  return out +
         "\nAll times are UTC. Values of passwords, keys and the like were replaced by [redacted] where "
         "their\n"
         "names tell them; addresses, paths and names are as they were. Look before you publish.\n";
}

}  // namespace unwedge::bundle
