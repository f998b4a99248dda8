// Prepares a process for the core that the kernel writes when it ends by a signal: guest memory stays out,
// the size is not limited. Idempotent; stops nothing.
#pragma once

#include "daemon/coredump/census.hpp"
#include "daemon/coredump/core_filter.hpp"

#include <cstdint>
#include <expected>
#include <string>

namespace unwedge::coredump {

struct flag_result {
  std::uint32_t filter_before = 0;
  rlimit limit_before{};
  rlim_t limit_now = 0;      ///< soft; RLIM_INFINITY where we may raise it
  bool was_flagged = false;  ///< nothing had to be changed
};

/// Why flagging would not do what it says; empty: it would. Guest memory that is private, anonymous and not
/// excluded by QEMU itself cannot be left out by a filter that keeps stacks and heap; `with_ram`: so be it.
std::string forbids_flag(const census&, bool with_ram);

/// Sets both, the filter through the process's own /proc folder, the limit by pid with the process known to
/// be alive before and after. Error (a sentence): forbids_flag, not permitted, the limit cannot be raised at
/// all.
std::expected<flag_result, std::string> flag(const evidence::process&, const census&, bool with_ram);

}  // namespace unwedge::coredump
