#include "policies/host_state.hpp"

#include "policies/sentence.hpp"

#include <fmt/format.h>

namespace unwedge::policies {
namespace {

/// Our timers are late by microseconds on a busy host; half a second means that nobody gets a CPU.
constexpr std::chrono::milliseconds late_ourselves{500};
/// One VM that is late is that VM's affair, and so are two.
constexpr std::size_t many = 4;
constexpr double standstill_percent = 60;

bool stalls(const std::optional<double>& percent) {
  return percent && *percent >= standstill_percent;
}

}  // namespace

std::string host_starved(const host_facts& host) {
  if (host.own_lateness >= late_ourselves)
    return fmt::format("unwedged itself was late by {}", in_words(host.own_lateness));
  if (host.late >= many && host.late * 2 >= host.vms)
    return fmt::format("{} of {} VMs are late at once, and no evidence says why", host.late, host.vms);
  if (stalls(host.memory_stall))
    return fmt::format("everything waits for memory {:.0f} % of the time", *host.memory_stall);
  if (stalls(host.io_stall))
    return fmt::format("everything waits for I/O {:.0f} % of the time", *host.io_stall);
  return "";
}

}  // namespace unwedge::policies
