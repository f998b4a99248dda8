// The filter by which the kernel leaves guest memory out of a core. unwedge-core sets it, the daemon sees
// whether it is set; a target of its own, since the daemon needs nothing else of this folder.
#pragma once

#include "daemon/evidence/process.hpp"

#include <cstdint>

namespace unwedge::coredump {

/// coredump_filter (core(5)): private anonymous memory and the first page of programs; nothing shared, no
/// huge pages, no files' contents.
inline constexpr std::uint32_t flagged_filter = 0x11;

/// It has our filter. Reads one small file; false if that fails.
bool is_flagged(const evidence::process&);

}  // namespace unwedge::coredump
