// How a running lease is known from outside, whoever began it: it outlives its tracer.
#pragma once

#include "daemon/rescue/thread_place.hpp"

namespace unwedge::rescue {

/// The thread sleeps in ppoll(nothing) with the time and the mark of a lease.
bool sleeps_in_a_lease(pid_t pid, const thread_place& at);

}  // namespace unwedge::rescue
