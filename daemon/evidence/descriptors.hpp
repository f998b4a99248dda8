// The file descriptors of a process that matter to a verdict: those some thread waits on, and every TCP
// connection.
#pragma once

#include "daemon/evidence/waits.hpp"

namespace unwedge::evidence {

inline constexpr std::size_t most_descriptors = 65'536;  ///< looked at, by their link only
inline constexpr std::size_t most_sockets = 256;         ///< duplicated
inline constexpr std::size_t most_files = 1'024;         ///< reported

/// Fills sockets, files and has_signalfd of `s.facts` from /proc/PID/fd, and adds to each thread that polls
/// an epoll instance what that instance watches (its fdinfo, proc_pid_fdinfo(5)). After read_threads and
/// follow_waits.
void read_descriptors(sampling& s);

}  // namespace unwedge::evidence
