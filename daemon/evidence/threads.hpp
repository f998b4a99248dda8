// The threads of a process, each from its own files below /proc/PID/task/TID.
#pragma once

#include "daemon/evidence/waits.hpp"

namespace unwedge::evidence {

inline constexpr std::size_t most_threads = 4096;

/// Fills `s.facts.threads`, the main thread first. A thread that ends meanwhile is left out; one whose files
/// are refused stays, with what could be read, and the rest is noted as missing.
void read_threads(sampling& s);

/// The main thread alone.
void read_main_thread(sampling& s);

}  // namespace unwedge::evidence
